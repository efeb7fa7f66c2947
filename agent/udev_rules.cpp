// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/udev_rules.hpp"

#include <dirent.h>
#include <fnmatch.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <climits>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "agent/core/parse.hpp"
#include "agent/file.hpp"

namespace memctl::agent {
namespace {

constexpr std::size_t most_names = 1024;
constexpr std::size_t largest_file = std::size_t{64} << 10;
constexpr std::size_t most_scripts = 256;

/// The directories of rules. udev prefers them in this order.
constexpr std::array directories = {"/etc/udev/rules.d/", "/run/udev/rules.d/",
                                    "/usr/lib/udev/rules.d/", "/lib/udev/rules.d/"};

/// One `KEY=="value"` of a rule.
struct Term {
  std::string_view key{};
  std::string_view operation{};
  std::string_view value{};
  [[nodiscard]] bool compares() const { return operation == "==" || operation == "!="; }
};

/// Takes the next term off a rule. Nothing: the rest of the rule is no term.
std::optional<Term> take_term(std::string_view& rule) {
  constexpr std::string_view operators = "=!+-:";
  const auto begin = rule.find_first_not_of(" \t,");
  if (begin == std::string_view::npos) return std::nullopt;
  rule.remove_prefix(begin);
  const auto open = rule.find('"');
  if (open == std::string_view::npos) return std::nullopt;
  const auto head = rule.substr(0, open);
  // A name in braces may have any characters: ENV{ID-PATH}.
  const auto brace = head.find('{');
  auto operation = head.find_first_of(operators);
  if (brace < operation) operation = head.find_first_of(operators, head.find('}', brace));
  if (operation == std::string_view::npos) return std::nullopt;
  auto close = open + 1;
  while (close < rule.size() && rule[close] != '"') close += rule[close] == '\\' ? 2 : 1;
  if (close >= rule.size()) return std::nullopt;
  const auto between = head.substr(operation);  // "==", or "== i" of i"value"
  const Term term{.key = trimmed(head.substr(0, operation)),
                  .operation = between.substr(0, between.find_first_not_of(operators)),
                  .value = rule.substr(open + 1, close - open - 1)};
  rule.remove_prefix(close + 1);
  return term;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

RuleAction action_named(std::string_view state) {
  if (state == "online") return RuleAction::online;
  if (state == "online_kernel") return RuleAction::online_kernel;
  return state == "online_movable" ? RuleAction::online_movable : RuleAction::other;
}

int weight(RuleAction action) {
  switch (action) {
    case RuleAction::online_movable:
      return 3;
    case RuleAction::other:
      return 2;
    case RuleAction::online:
      return 1;
    case RuleAction::online_kernel:
      return 0;
  }
  return 0;
}

void keep_weightiest(std::optional<RuleAction>& kept, std::optional<RuleAction> found) {
  if (found && (!kept || weight(*found) > weight(*kept))) kept = found;
}

/// One line of a shell that writes to a block's `state` or `online`, or calls chmem:
/// `echo online > /sys$devpath/state`.
std::optional<RuleAction> action_of_line(std::string_view line) {
  if (contains(line, "chmem") && (contains(line, " -e") || contains(line, "--enable"))) {
    return contains(line, "ovable") ? RuleAction::online_movable : RuleAction::online;
  }
  if (!contains(line, ">") && !contains(line, "tee ")) return std::nullopt;
  if (contains(line, "state") && contains(line, "online")) {
    if (contains(line, "online_movable")) return RuleAction::online_movable;
    return contains(line, "online_kernel") ? RuleAction::online_kernel : RuleAction::online;
  }
  const bool switches_on = contains(line, "/online") && contains(line, "1");
  return switches_on && !contains(line, "/cpu") ? std::optional{RuleAction::online} : std::nullopt;
}

/// Nothing below these is a script, and reading some of these files would wait.
bool is_the_kernels(std::string_view path) {
  constexpr std::array<std::string_view, 3> prefixes{"/proc/", "/sys/", "/dev/"};
  return std::ranges::any_of(prefixes, [&](auto prefix) { return path.starts_with(prefix); });
}

/// A program with its arguments, and the scripts that it names.
std::optional<RuleAction> action_of_program(std::string_view command,
                                            const ScriptAction& action_of) {
  constexpr std::string_view ends_word = " \t'\";&|<>()";
  auto action = action_of_line(command);
  for (bool first = true; action_of; first = false) {
    const auto begin = command.find_first_not_of(ends_word);
    if (begin == std::string_view::npos) break;
    command.remove_prefix(begin);
    const std::string word{command.substr(0, command.find_first_of(ends_word))};
    command.remove_prefix(word.size());
    if (is_the_kernels(word)) continue;
    if (word.starts_with('/')) {
      keep_weightiest(action, action_of(word));
    } else if (first) {  // udev looks for a program without a path in its own directory
      keep_weightiest(action, action_of("/usr/lib/udev/" + word));
      keep_weightiest(action, action_of("/lib/udev/" + word));
    }
  }
  return action;
}

/// Whether a rule applies to a memory block that has just been added.
enum class Applies { no, maybe, yes };

bool fits(std::string_view alternatives, const char* text) {
  while (true) {
    const auto end = std::min(alternatives.find('|'), alternatives.size());
    if (::fnmatch(std::string{alternatives.substr(0, end)}.c_str(), text, 0) == 0) return true;
    if (end == alternatives.size()) return false;
    alternatives.remove_prefix(end + 1);
  }
}

Applies fits_block(const Term& term, const std::string& directory) {
  const auto fits_number = [&](const char* number) {
    return fits(term.value, (directory + "memory" + number).c_str());
  };
  constexpr std::array numbers = {"7", "32", "4096"};  // as blocks may have
  if (std::ranges::all_of(numbers, fits_number)) return Applies::yes;
  const bool some =
      term.value.starts_with(directory + "memory") || std::ranges::any_of(numbers, fits_number);
  return some ? Applies::maybe : Applies::no;
}

/// Whether a comparison holds for such a block. `maybe`: only the guest's udev can know.
Applies applies(const Term& term) {
  const auto is = [&](const char* text) {
    return fits(term.value, text) ? Applies::yes : Applies::no;
  };
  Applies result = Applies::maybe;
  if (term.key == "SUBSYSTEM" || term.key == "SUBSYSTEMS") {
    result = is("memory");
  } else if (term.key == "KERNEL" || term.key == "KERNELS") {
    result = fits_block(term, "");
  } else if (term.key == "DEVPATH") {
    result = fits_block(term, "/devices/system/memory/");
  } else if (term.key == "ACTION") {
    result = is("add");
    if (result == Applies::no && is("change") == Applies::yes) result = Applies::maybe;
  } else if (term.key == "ATTR{state}") {
    result = is("offline");
  } else if (term.key == "ATTR{online}") {
    result = is("0");
  }
  if (term.operation != "!=" || result == Applies::maybe) return result;
  return result == Applies::yes ? Applies::no : Applies::yes;
}

std::optional<RuleAction> action_of_term(const Term& term, const ScriptAction& action_of) {
  const bool runs = term.key == "PROGRAM" || term.key == "IMPORT{program}" || term.key == "RUN" ||
                    term.key == "RUN{program}";
  if (runs && term.operation != "-=") return action_of_program(term.value, action_of);
  if (term.compares()) return std::nullopt;
  if (term.key == "ATTR{state}" && term.value != "offline") return action_named(term.value);
  if (term.key == "ATTR{online}" && term.value != "0") {
    return term.value == "1" ? RuleAction::online : RuleAction::other;
  }
  return std::nullopt;
}

/// Reads rules one by one, as udev does for a memory block that has just been added.
class RuleReader {
 public:
  explicit RuleReader(const ScriptAction& action_of) : action_of_{action_of} {}

  void rule(std::string_view text) {
    Applies applies_here = Applies::yes;
    std::optional<RuleAction> found;
    std::string_view jump;
    bool assigned = false;
    while (const auto term = take_term(text)) {
      if (term->key == "LABEL") arrive(term->value);
      if (term->key == "GOTO") jump = term->value;
      if (term->compares()) applies_here = std::min(applies_here, applies(*term));
      if (reached_ && applies_here != Applies::no) {
        keep_weightiest(found, action_of_term(*term, action_of_));
        assigned = assigned || (term->key == "ATTR{state}" && term->operation == "=" &&
                                term->value == "online_kernel");
      }
    }
    if (!reached_ || applies_here == Applies::no) return;
    keep_weightiest(rules_.action, found);
    const bool sure = applies_here == Applies::yes;
    rules_.settled = sure && jumps_.empty() && assigned && found == RuleAction::online_kernel;
    if (jump.empty()) return;
    jumps_.emplace(jump);
    if (sure) reached_ = false;
  }
  [[nodiscard]] const RulesFile& rules() const { return rules_; }

 private:
  void arrive(std::string_view label) {
    const auto jump = jumps_.find(label);
    if (jump == jumps_.end()) return;
    jumps_.erase(jump);
    reached_ = true;
  }

  const ScriptAction& action_of_;
  bool reached_{true};  ///< Surely, if no jump is under way; otherwise perhaps.
  /// The labels of jumps that may be under way.
  std::set<std::string, std::less<>> jumps_{};
  RulesFile rules_{};
};

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> open{::opendir(directory.c_str()), &::closedir};
  if (!open) return names;
  while (const dirent* const entry = ::readdir(open.get())) {
    const std::string_view name{entry->d_name};
    if (name.ends_with(".rules") && names.size() < most_names) names.emplace_back(name);
  }
  return names;
}

/// The text of a regular file that is not too large. Other files are not opened: a link to
/// /dev/null switches rules off, opening a fifo would wait, and a program is no text.
std::string_view contents(const std::string& file, std::vector<char>& buffer) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  if (static_cast<std::size_t>(status.st_size) >= buffer.size()) return {};
  const auto text = read_file(file.c_str(), buffer);
  return text && text->size() < buffer.size() ? *text : std::string_view{};
}

}  // namespace

std::optional<RuleAction> action_of_script(std::string_view text) {
  std::optional<RuleAction> action;
  if (!text.starts_with("#!")) return action;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.starts_with('#')) keep_weightiest(action, action_of_line(line));
  }
  return action;
}

RulesFile read_rules(std::string_view text, const ScriptAction& action_of) {
  RuleReader reader{action_of};
  std::string rule;
  while (!text.empty() && !reader.rules().settled) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with('#')) continue;
    rule += line;
    if (rule.ends_with('\\')) {  // udev ignores a rule that the file's end cuts off
      rule.back() = ' ';
      continue;
    }
    reader.rule(rule);
    rule.clear();
  }
  return reader.rules();
}

std::optional<UdevRule> find_udev_rule(const std::string& root) {
  std::map<std::string, std::string> files;  // by name, in udev's order
  for (const std::string directory : directories) {
    for (const std::string& name : names_in(root + directory)) {
      files.try_emplace(name, directory + name);
    }
  }
  std::vector<char> buffer(largest_file);
  std::vector<char> script(largest_file);
  std::map<std::string, std::optional<RuleAction>> known;  // by path; many rules name one script
  const ScriptAction action_of = [&](const std::string& path) {
    const auto found = known.find(path);
    if (found != known.end()) return found->second;
    if (known.size() == most_scripts || path.size() >= PATH_MAX) return std::optional<RuleAction>{};
    return known.emplace(path, action_of_script(contents(root + path, script))).first->second;
  };
  std::optional<UdevRule> kept;
  for (const auto& [name, file] : files) {
    const RulesFile rules = read_rules(contents(root + file, buffer), action_of);
    if (rules.action && (!kept || weight(*rules.action) > weight(kept->action))) {
      kept = UdevRule{.file = file, .action = *rules.action};
    }
    if (rules.settled) break;
  }
  return kept;
}

}  // namespace memctl::agent
