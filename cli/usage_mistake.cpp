// SPDX-License-Identifier: LGPL-2.1-or-later
#include "usage_mistake.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <string_view>

#include "characters.hpp"
#include "nearest.hpp"

namespace memctl::cli {
namespace {

using Words = std::vector<std::string>;

/// A word of the user's, short enough for a line.
std::string in_quotes(std::string_view word) {
  constexpr std::size_t most = 60;
  return "\"" + cut_to(printable(word), most, "...") + "\"";
}

std::string suggestion(std::string_view word, const Words& known) {
  const auto meant = nearest(word, known);
  return meant ? "; did you mean " + *meant + "?" : std::string{};
}

/// "-5" and "-512m" are sizes, or numbers of domains.
bool is_option(std::string_view word) {
  return word.size() > 1 && word[0] == '-' && (word[1] < '0' || word[1] > '9');
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
std::string listed(const Words& words, std::string_view last) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " " + std::string{last} + " " : ", ";
    text += words[i];
  }
  return text;
}

/// The option that a word such as "--timeout" or "-v" names. Null: there is none.
const CLI::Option* find(const CLI::App& of, std::string_view name) {
  return of.get_option_no_throw(std::string{name});
}

bool takes_value(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

/// "--timeout SECONDS"
std::string with_value(const CLI::Option& option, std::string_view name) {
  return std::string{name} + " " + option.get_type_name();
}

std::string line_of(const CLI::App& command) {
  const CLI::App* program = command.get_parent();
  return called(program == nullptr ? command : *program, command);
}

std::string needs_size_for_all(const CLI::App& command) {
  return command.get_name() + " --all needs a size: " + line_of(command) + " --all SIZE";
}

class Reader {
 public:
  Reader(const CLI::App& app, const Words& words)
      : app_{app}, words_{words}, usage_{app.get_subcommands({}).empty() ? &app : nullptr, {}} {}

  Usage read() {
    while (at_ < words_.size()) read_word(words_[at_++]);
    if (usage_.command == nullptr) {
      mistake("a command is needed: " + listed(command_names(app_), "or"));
    } else {
      count_arguments();
    }
    return usage_;
  }

 private:
  void mistake(std::string text) {
    if (!usage_.mistake) usage_.mistake = std::move(text);
  }

  [[nodiscard]] const CLI::App& of() const {
    return usage_.command == nullptr ? app_ : *usage_.command;
  }

  void read_word(const std::string& word) {
    if (only_arguments_) return read_argument(word);
    if (word == "--") {
      if (usage_.command == nullptr) mistake("the command comes before --");
      only_arguments_ = true;
    } else if (word.starts_with("--")) {
      read_long_option(word);
    } else if (is_option(word)) {
      read_short_options(word);
    } else {
      read_argument(word);
    }
  }

  void read_argument(const std::string& word) {
    if (usage_.command != nullptr) return arguments_.push_back(word);
    const auto commands = app_.get_subcommands({});
    const auto named = std::ranges::find(commands, word, &CLI::App::get_name);
    if (named != commands.end()) {
      usage_.command = *named;
      given_.clear();  // an option after the command has precedence over the same before it
    } else {
      mistake("unknown command " + in_quotes(word) + suggestion(word, command_names(app_)));
    }
  }

  void read_long_option(const std::string& word) {
    const auto equals = word.find('=');
    const std::string name = word.substr(0, equals);
    const CLI::Option* option = find(of(), name);
    if (option == nullptr) return misplaced(name == "--" ? word : name);
    if (equals == std::string::npos) return read_option(*option, name, std::nullopt);
    read_option(*option, name, word.substr(equals + 1));
  }

  /// "-v", "-vN", or "-oNAME".
  void read_short_options(const std::string& word) {
    for (std::size_t i = 1; i < word.size(); ++i) {
      const std::string name{'-', word[i]};
      const CLI::Option* option = find(of(), name);
      if (option == nullptr) {
        const bool one_dash_too_few = nearest(word, option_names(of())).has_value();
        return misplaced(one_dash_too_few ? word : name);
      }
      const std::string rest = word.substr(i + 1);
      if (takes_value(*option) && !rest.empty()) return read_option(*option, name, rest);
      read_option(*option, name, std::nullopt);
    }
  }

  void read_option(const CLI::Option& option, const std::string& name,
                   const std::optional<std::string>& attached) {
    if (!takes_value(option)) {
      if (attached) mistake(name + " takes no value");
      ++given_[option.get_name()];
      return;
    }
    const bool next = !attached && at_ < words_.size() && words_[at_] != "--" &&
                      !words_[at_].empty() && !is_option(words_[at_]);
    if (!next && attached.value_or("").empty()) {
      return mistake(name + " needs a value: " + with_value(option, name));
    }
    if (next) ++at_;
    if (++given_[option.get_name()] > 1) mistake(name + " may be given only once");
  }

  /// An option that is unknown here. Perhaps it belongs to a command.
  void misplaced(const std::string& name) {
    const CLI::App* command = usage_.command == nullptr ? next_command() : usage_.command;
    const CLI::Option* late = command == nullptr ? nullptr : find(*command, name);
    if (late != nullptr) {
      return mistake(name + " comes after the command: " + app_.get_name() + " " +
                     command->get_name() + " " +
                     (takes_value(*late) ? with_value(*late, name) : name));
    }
    Words owners;
    for (const CLI::App* each : app_.get_subcommands({})) {
      if (find(*each, name) != nullptr) owners.push_back(each->get_name());
    }
    std::string text =
        command == nullptr ? "unknown option " : command->get_name() + " has no option ";
    text += in_quotes(name);
    if (owners.empty()) return mistake(text + suggestion(name, option_names(of())));
    mistake(text + "; " + listed(owners, "and") + (owners.size() > 1 ? " have it" : " has it"));
  }

  /// The command that the rest of the words names.
  [[nodiscard]] const CLI::App* next_command() const {
    for (std::size_t i = at_; i < words_.size(); ++i) {
      for (const CLI::App* command : app_.get_subcommands({})) {
        if (command->get_name() == words_[i]) return command;
      }
    }
    return nullptr;
  }

  void count_arguments() {
    std::size_t least = 0;
    std::size_t most = 0;
    for (const CLI::Option* option : of().get_options()) {
      if (!option->get_positional()) continue;
      if (option->get_required()) ++least;
      most += static_cast<std::size_t>(option->get_items_expected_max());
    }
    if (arguments_.size() < least) {
      return mistake(given_.contains("--all") ? needs_size_for_all(of())
                                              : needs_domain_and_size(of()));
    }
    if (arguments_.size() <= most) return;
    mistake(of().get_name() + " takes no argument; " + in_quotes(arguments_[most]) +
            " is too much");
  }

  const CLI::App& app_;
  const Words& words_;
  std::size_t at_{0};  ///< The next word.
  bool only_arguments_{false};
  Words arguments_{};
  std::map<std::string, int> given_{};
  Usage usage_;
};

}  // namespace

std::string needs_domain_and_size(const CLI::App& command) {
  return command.get_name() + " needs a domain and a size: " + line_of(command) + " DOMAIN SIZE";
}

std::string called(const CLI::App& app, const CLI::App& command) {
  return &app == &command ? app.get_name() : app.get_name() + " " + command.get_name();
}

Usage read_usage(const CLI::App& app, const std::vector<std::string>& arguments) {
  return Reader{app, arguments}.read();
}

}  // namespace memctl::cli
