// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/udev_rules.hpp"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <vector>

#include "agent/core/parse.hpp"
#include "agent/file.hpp"

namespace memctl::agent {
namespace {

constexpr std::size_t most_names = 1024;
constexpr std::size_t largest_file = std::size_t{64} << 10;

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
  const auto begin = rule.find_first_not_of(" \t,");
  if (begin == std::string_view::npos) return std::nullopt;
  rule.remove_prefix(begin);
  const auto operation = rule.find_first_of("=!+-:");
  const auto open = rule.find('"');
  if (operation == std::string_view::npos || open == std::string_view::npos || open < operation) {
    return std::nullopt;
  }
  auto close = open + 1;
  while (close < rule.size() && rule[close] != '"') close += rule[close] == '\\' ? 2 : 1;
  if (close >= rule.size()) return std::nullopt;
  const Term term{.key = trimmed(rule.substr(0, operation)),
                  .operation = trimmed(rule.substr(operation, open - operation)),
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

/// A program that writes to a block's `state`: `echo online > /sys$devpath/state`.
std::optional<RuleAction> action_of_program(std::string_view command) {
  if (!contains(command, "/state") || !contains(command, "online")) return std::nullopt;
  if (contains(command, "online_movable")) return RuleAction::online_movable;
  return contains(command, "online_kernel") ? RuleAction::online_kernel : RuleAction::online;
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

/// Reads rules one by one. Instead of naming the subsystem in each rule, a file may jump past all
/// of its rules for other subsystems.
class RuleReader {
 public:
  void rule(std::string_view text) {
    bool memory = guarded_;
    std::optional<RuleAction> found;
    while (const auto term = take_term(text)) {
      if (term->key == "SUBSYSTEM" && term->value == "memory") {
        if (term->operation == "!=") guarded_ = true;
        memory = term->operation == "==";
      } else if (term->key == "ATTR{state}" && !term->compares() && term->value != "offline") {
        keep_weightiest(found, action_named(term->value));
      } else if (term->key.starts_with("RUN") && !term->compares()) {
        keep_weightiest(found, action_of_program(term->value));
      }
    }
    if (memory) keep_weightiest(action_, found);
  }
  [[nodiscard]] std::optional<RuleAction> action() const { return action_; }

 private:
  bool guarded_{false};
  std::optional<RuleAction> action_{};
};

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> open{::opendir(directory.c_str()), &::closedir};
  if (!open) return names;
  while (const dirent* const entry = ::readdir(open.get())) {
    const std::string_view name{entry->d_name};
    if (name.ends_with(".rules") && names.size() < most_names) names.emplace_back(name);
  }
  std::ranges::sort(names);
  return names;
}

/// The text of a regular file that is not too large. Other files are not opened: a link to
/// /dev/null switches rules off, and opening a fifo would wait.
std::string_view contents(const std::string& file, std::vector<char>& buffer) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  const auto text = read_file(file.c_str(), buffer);
  return text && text->size() < buffer.size() ? *text : std::string_view{};
}

}  // namespace

std::optional<RuleAction> action_of_rules(std::string_view text) {
  RuleReader reader;
  std::string rule;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with('#')) continue;
    rule += line;
    if (rule.ends_with('\\') && !text.empty()) {
      rule.back() = ' ';
      continue;
    }
    reader.rule(rule);
    rule.clear();
  }
  return reader.action();
}

std::optional<UdevRule> find_udev_rule(const std::string& root) {
  std::optional<UdevRule> kept;
  std::set<std::string> seen;
  std::vector<char> buffer(largest_file);
  for (const std::string directory : directories) {
    for (const std::string& name : names_in(root + directory)) {
      if (!seen.insert(name).second) continue;
      const std::string file = directory + name;
      const auto action = action_of_rules(contents(root + file, buffer));
      if (action && (!kept || weight(*action) > weight(kept->action))) {
        kept = UdevRule{.file = file, .action = *action};
      }
    }
  }
  return kept;
}

}  // namespace memctl::agent
