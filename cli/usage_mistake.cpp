// SPDX-License-Identifier: LGPL-2.1-or-later
#include "usage_mistake.hpp"

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include "nearest.hpp"

namespace memctl::cli {
namespace {

using Words = std::vector<std::string>;

std::string in_quotes(std::string_view word) { return "\"" + std::string{word} + "\""; }

std::string suggestion(std::string_view word, const Words& known) {
  const auto meant = nearest(word, known);
  return meant ? "; did you mean " + *meant + "?" : std::string{};
}

bool is_option(std::string_view word) {
  return word.size() > 1 && word.front() == '-' && word != "--";
}

Words command_names(const CLI::App& app) {
  Words names;
  for (const CLI::App* each : app.get_subcommands({})) names.push_back(each->get_name());
  return names;
}

Words option_names(const CLI::App& of) {
  Words names;
  for (const CLI::Option* option : of.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

/// "resize, plan or status".
std::string listed(const Words& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
    text += words[i];
  }
  return text;
}

std::string unknown_option(const CLI::App& app, const CLI::App* command, std::string_view word) {
  const std::string_view name = word.substr(0, word.find('=', 2));
  if (command == nullptr) {
    return "unknown option " + in_quotes(name) + suggestion(name, option_names(app));
  }
  return command->get_name() + " has no option " + in_quotes(name) +
         suggestion(name, option_names(*command));
}

/// Recognizes a switch with a value, an option without its value, and an option given twice.
/// CLI11's text begins with the option's name; a switch's name comes without its dashes.
std::optional<std::string> mismatch(const CLI::App& of, std::string_view what) {
  for (const CLI::Option* option : of.get_options()) {
    for (const std::string& word : option->get_lnames()) {
      const std::string name = "--" + word;
      if (what.starts_with(word + " ")) return name + " takes no value";
      if (!what.starts_with(name + ":")) continue;
      if (option->count() > 1) return name + " may be given only once";
      return std::string{name}.append(" needs a value: " + name + " " + option->get_type_name());
    }
  }
  return std::nullopt;
}

}  // namespace

std::string needs_domain_and_size(const CLI::App& command) {
  const CLI::App* program = command.get_parent();
  return command.get_name() +
         " needs a domain and a size: " + called(program == nullptr ? command : *program, command) +
         " DOMAIN SIZE";
}

std::string called(const CLI::App& app, const CLI::App& command) {
  return &app == &command ? app.get_name() : app.get_name() + " " + command.get_name();
}

std::string usage_mistake(const CLI::App& app, const CLI::App* command,
                          const CLI::ParseError& error) {
  const Words rest = app.remaining(true);
  const auto option = std::ranges::find_if(rest, is_option);
  if (option != rest.end()) return unknown_option(app, command, *option);

  const CLI::App& of = command == nullptr ? app : *command;
  if (error.get_name() == "ArgumentMismatch") {
    if (auto text = mismatch(of, error.what())) return *text;
  }
  if (command == nullptr && !rest.empty() && rest.front() == "--") {
    return "the command comes before --";
  }
  if (command == nullptr && !rest.empty()) {
    return "unknown command " + in_quotes(rest.front()) +
           suggestion(rest.front(), command_names(app));
  }
  if (command == nullptr && error.get_name() == "RequiredError") {
    return "a command is needed: " + listed(command_names(app));
  }
  if (error.get_name() == "RequiredError") {
    return needs_domain_and_size(*command);
  }
  if (!rest.empty()) {
    return of.get_name() + " takes no argument; " + in_quotes(rest.front()) + " is too much";
  }
  std::string text = error.what();
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace memctl::cli
