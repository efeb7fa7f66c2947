// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <nlohmann/json.hpp>
#include <utility>

#include "characters.hpp"
#include "choice.hpp"
#include "configuration.hpp"
#include "configuration_check.hpp"
#include "memctl/size.hpp"
#include "nearest.hpp"
#include "time_text.hpp"
#include "toml.hpp"

namespace memctl::cli {
namespace {

using std::chrono::milliseconds;

constexpr auto size_hint =
    "write a size as on the command line: \"4GiB\", \"512MiB\"; a bare number is MiB";

/// The beginning of a text that is UTF-8, for a message.
std::string shortened(std::string_view text) {
  std::size_t end = 60;
  if (text.size() <= end) return printable(text);
  while ((static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;
  return printable(text.substr(0, end)) + "...";
}

std::string excerpt(std::string_view text) { return "\"" + shortened(text) + "\""; }

int line_of(const toml::node& node) { return static_cast<int>(node.source().begin.line); }

/// "timeout, stall and online"
std::string listed(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t each = 0; each < words.size(); ++each) {
    if (each > 0) text += each + 1 == words.size() ? " and " : ", ";
    text += words[each];
  }
  return text;
}

std::string_view kind_of(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::string:
      return "a text";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a number with decimals";
    case toml::node_type::boolean:
      return "true or false";
    default:
      return "a date or a time";
  }
}

/// A text or a number as it would be written on the command line. Nothing: it is neither.
std::optional<std::string> word_in(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  std::array<char, 400> digits{};
  std::to_chars_result written{digits.data(), std::errc::invalid_argument};
  if (const auto* whole = node.as_integer()) {
    written = std::to_chars(digits.data(), digits.data() + digits.size(), whole->get());
  } else if (const auto* decimal = node.as_floating_point()) {
    written = std::to_chars(digits.data(), digits.data() + digits.size(), decimal->get(),
                            std::chars_format::fixed);
  }
  if (written.ec != std::errc{}) return std::nullopt;
  return std::string{digits.data(), written.ptr};
}

/// Reads the tables of a file, and collects what is wrong with their lines.
class Parser {
 public:
  explicit Parser(Configuration& configuration) : read_{configuration} {}

  void file(const toml::table& table);

  /// The mistake of the first wrong line.
  [[nodiscard]] std::optional<Error> mistake() const {
    return mistakes_.empty() ? std::nullopt : std::optional{mistakes_.begin()->second};
  }

 private:
  struct Key {
    std::string name;
    std::function<void(const toml::node&)> take;
  };

  void wrong(int line, const std::string& what, std::string right) {
    mistakes_.try_emplace(line, configuration_mistake(read_, line, what, std::move(right)));
  }

  void keys(const toml::table& table, const std::string& where, const std::vector<Key>& known);
  void host(const toml::node& node);
  void resize(const toml::node& node);
  void domains(const toml::node& node);
  void domain(const toml::table& table);

  std::optional<Kib> size(const toml::node& node, const std::string& key);
  std::optional<milliseconds> time(const toml::node& node, const std::string& key);
  template <class Value>
  std::optional<Value> choice(const toml::node& node, const std::string& key,
                              const Choice<Value>& words);
  void name(const toml::node& node, DomainPolicy& entry);

  Configuration& read_;
  std::map<int, Error> mistakes_{};
};

void Parser::file(const toml::table& table) {
  keys(table, "",
       {{"host", [this](const toml::node& node) { host(node); }},
        {"resize", [this](const toml::node& node) { resize(node); }},
        {"domain", [this](const toml::node& node) { domains(node); }}});
}

void Parser::keys(const toml::table& table, const std::string& where,
                  const std::vector<Key>& known) {
  std::vector<std::string> names;
  names.reserve(known.size());
  for (const Key& key : known) names.push_back(key.name);
  for (const auto& [word, node] : table) {
    const auto key = std::ranges::find(names, word.str());
    if (key != names.end()) {
      known[static_cast<std::size_t>(key - names.begin())].take(node);
      continue;
    }
    const auto meant = nearest(word.str(), names);
    wrong(static_cast<int>(word.source().begin.line),
          "unknown key " + excerpt(word.str()) + (where.empty() ? "" : " in " + where) +
              (meant ? "; did you mean " + *meant + "?" : ""),
          where.empty() ? "the file has [host], [resize] and [[domain]]"
                        : where + " has " + listed(names));
  }
}

void Parser::host(const toml::node& node) {
  const auto* table = node.as_table();
  if (table == nullptr) {
    return wrong(line_of(node), "host is a table, and this is " + std::string{kind_of(node)},
                 "write [host] on a line of its own, and its keys below it");
  }
  keys(*table, "[host]",
       {{"reserve",
         [this](const toml::node& value) {
           const auto reserve = size(value, "reserve");
           if (!reserve) return;
           const Kib least = ResizeOptions{}.host_reserve;
           if (*reserve < least) {
             return wrong(line_of(value), "a reserve of " + to_string(*reserve) + " is too small",
                          "memctl always leaves " + to_string(least) +
                              " to the host; write more, or nothing");
           }
           read_.policy.host_reserve = *reserve;
           read_.lines["host.reserve"] = line_of(value);
         }},
        {"numa", [this](const toml::node& value) {
           const auto numa = choice(value, "numa", numa_choice);
           if (!numa) return;
           read_.policy.numa = *numa;
           read_.lines["host.numa"] = line_of(value);
         }}});
}

void Parser::resize(const toml::node& node) {
  const auto* table = node.as_table();
  if (table == nullptr) {
    return wrong(line_of(node), "resize is a table, and this is " + std::string{kind_of(node)},
                 "write [resize] on a line of its own, and its keys below it");
  }
  /// Keeps a value, if there is one, and its line.
  const auto keep = [this](auto& target, const auto& value, const char* key, const toml::node& at) {
    if (!value) return;
    target = *value;
    read_.lines[std::string{"resize."} + key] = line_of(at);
  };
  ResizeOptions& options = read_.resize;
  keys(*table, "[resize]",
       {{"timeout",
         [&](const toml::node& value) {
           if (word_in(value) == never) {
             options.timeout.reset();
             read_.lines["resize.timeout"] = line_of(value);
           } else {
             keep(options.timeout, time(value, "timeout"), "timeout", value);
           }
         }},
        {"stall",
         [&](const toml::node& value) {
           keep(options.stall, time(value, "stall"), "stall", value);
         }},
        {"on_failure",
         [&](const toml::node& value) {
           keep(options.on_failure, choice(value, "on_failure", on_failure_choice), "on_failure",
                value);
         }},
        {"online",
         [&](const toml::node& value) {
           keep(options.online, choice(value, "online", online_choice), "online", value);
         }},
        {"numa", [&](const toml::node& value) {
           keep(options.numa, choice(value, "numa", numa_choice), "numa", value);
         }}});
}

void Parser::domains(const toml::node& node) {
  constexpr auto right = "begin each entry with [[domain]], and write its keys below it";
  const auto* list = node.as_array();
  if (list == nullptr) {
    return wrong(line_of(node),
                 "domain is a list of tables, and this is " + std::string{kind_of(node)}, right);
  }
  for (const toml::node& entry : *list) {
    const auto* table = entry.as_table();
    if (table == nullptr) {
      wrong(line_of(entry),
            "domain is a list of tables, and this is " + std::string{kind_of(entry)}, right);
    } else {
      domain(*table);
    }
  }
}

void Parser::domain(const toml::table& table) {
  const std::size_t before = mistakes_.size();
  DomainPolicy entry;
  DomainLines lines{.entry = line_of(table)};
  keys(table, "[[domain]]",
       {{"name", [&](const toml::node& node) { name(node, entry); }},
        {"minimum",
         [&](const toml::node& node) {
           entry.minimum = size(node, "minimum");
           lines.minimum = line_of(node);
         }},
        {"maximum", [&](const toml::node& node) {
           entry.maximum = size(node, "maximum");
           lines.maximum = line_of(node);
         }}});
  if (mistakes_.size() > before) return;  // what is missing may be what is misspelt
  if (!table.contains("name")) {
    wrong(lines.entry, "this [[domain]] has no name",
          "write the name of a domain, or a pattern, below it: name = \"web*\"");
  } else if (lines.minimum == 0 && lines.maximum == 0) {
    wrong(lines.entry, "this [[domain]] has neither minimum nor maximum",
          "write one of them below it, or both: maximum = \"8GiB\"");
  }
  read_.policy.domains.push_back(std::move(entry));
  read_.domain_lines.push_back(lines);
}

void Parser::name(const toml::node& node, DomainPolicy& entry) {
  const auto* text = node.as_string();
  if (text != nullptr && !text->get().empty()) {
    entry.name = text->get();
    return;
  }
  wrong(line_of(node),
        text != nullptr ? "name is empty" : "name takes a text, not " + std::string{kind_of(node)},
        "write the name of a domain, or a pattern with * or ?, in quotes: name = \"web*\"");
}

std::optional<Kib> Parser::size(const toml::node& node, const std::string& key) {
  const auto word = node.is_floating_point() ? std::nullopt : word_in(node);
  if (!word) {
    wrong(line_of(node), key + " takes a size, not " + std::string{kind_of(node)}, size_hint);
    return std::nullopt;
  }
  if (word->starts_with('+') || word->starts_with('-')) {
    wrong(line_of(node), key + ": " + excerpt(*word) + " is a change, not a size", size_hint);
    return std::nullopt;
  }
  const auto size = parse_size(*word);
  if (!size) {
    wrong(line_of(node), key + ": " + size.error().message, size_hint);
    return std::nullopt;
  }
  return size.value().amount;
}

std::optional<milliseconds> Parser::time(const toml::node& node, const std::string& key) {
  const auto word = word_in(node);
  const auto time = word ? parse_time(*word) : std::nullopt;
  if (time) return time;
  wrong(line_of(node),
        key + (word ? ": " + excerpt(*word) + std::string{is_no_time}
                    : " takes a time, not " + std::string{kind_of(node)}),
        "write seconds, or a time with its unit: " + key + " = 60, " + key + " = \"2min\"");
  return std::nullopt;
}

template <class Value>
std::optional<Value> Parser::choice(const toml::node& node, const std::string& key,
                                    const Choice<Value>& words) {
  const std::string first{words[0].first};
  const std::string second{words[1].first};
  const auto* text = node.as_string();
  const auto value = text == nullptr ? std::nullopt : value_of(text->get(), words);
  if (value) return value;
  const auto word = word_in(node);
  wrong(line_of(node),
        word ? key + ": " + excerpt(*word) + " is neither " + first + " nor " + second
             : key + " takes " + first + " or " + second + ", not " + std::string{kind_of(node)},
        "write " + key + " = \"" + first + "\" or " + key + " = \"" + second + "\"");
  return std::nullopt;
}

/// The line, without the blanks around it.
std::string_view line_in(std::string_view text, int line) {
  for (; line > 1; --line) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  text = text.substr(0, text.find('\n'));
  const auto begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") + 1 - begin);
}

bool is_utf8(const std::string& text) {
  try {
    static_cast<void>(nlohmann::json(text).dump());
    return true;
  } catch (const nlohmann::json::exception&) {
    return false;
  }
}

/// toml++ names another line if a byte is not UTF-8.
std::optional<Error> foreign_bytes(const Configuration& configuration, std::string_view text) {
  if (is_utf8(std::string{text})) return std::nullopt;
  int line = 1;
  for (auto end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    if (!is_utf8(std::string{text.substr(0, end)})) break;
    text.remove_prefix(end + 1);
    ++line;
  }
  return configuration_mistake(configuration, line, "this line is not UTF-8",
                               "save the file as UTF-8, or write plain ASCII");
}

Error syntax_mistake(const Configuration& configuration, std::string_view text,
                     const toml::parse_error& error) {
  const int line = static_cast<int>(error.source().begin.line);
  const std::string_view wrong = line_in(text, line);
  const std::string quoted = wrong.empty() ? "" : ": " + shortened(wrong);
  std::string_view why = error.description();
  if (why.find("redefine") != std::string_view::npos) {
    return configuration_mistake(
        configuration, line, "this was set before" + quoted,
        "each table and each key stands once; [[domain]] begins each entry of a domain");
  }
  // "Error while parsing string: unknown escape sequence"
  const auto colon = why.find(": ");
  if (why.starts_with("Error while parsing ") && colon != std::string_view::npos) {
    why.remove_prefix(colon + 2);
  }
  return configuration_mistake(
      configuration, line, "this line cannot be read" + quoted + "; " + printable(why),
      "sizes and words stand in quotes, as in reserve = \"1GiB\"; see man memctl.toml");
}

}  // namespace

Result<Configuration> parse_configuration(std::string_view text, std::string file) {
  Configuration configuration{.file = std::move(file), .found = true};
  if (auto mistake = foreign_bytes(configuration, text)) return *std::move(mistake);
  const auto parsed = toml::parse(text);
  if (!parsed) return syntax_mistake(configuration, text, parsed.error());
  Parser parser{configuration};
  parser.file(parsed.table());
  auto mistake = parser.mistake();
  if (!mistake) mistake = contradiction(configuration);
  if (mistake) return *std::move(mistake);
  return configuration;
}

}  // namespace memctl::cli
