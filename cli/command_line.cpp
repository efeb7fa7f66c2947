// SPDX-License-Identifier: LGPL-2.1-or-later
#include "command_line.hpp"

#include <CLI/CLI.hpp>
#include <sstream>
#include <string_view>
#include <utility>

#include "characters.hpp"
#include "exit_code.hpp"
#include "usage_mistake.hpp"

namespace memctl::cli {
namespace {

/// Put before a word that CLI11 would not take as it is: it takes a negative number for an option,
/// "++" and "%%" for the end of what stands before, "[a,b]" for two words, and an empty word for
/// none.
constexpr char guard = '\x01';

bool needs_guard(std::string_view word) {
  const bool negative = word.size() > 1 && word[0] == '-' && word[1] >= '0' && word[1] <= '9';
  const bool special = word == "++" || word == "%%";
  return word.empty() || word[0] == guard || word[0] == '[' || special || negative;
}

/// Also takes out "--": CLI11 forgets the command's arguments that stand before it.
void guard_words(std::vector<std::string>& arguments) {
  auto at = arguments.begin();
  for (; at != arguments.end() && *at != "--"; ++at) {
    const auto equals = at->starts_with("--") ? at->find('=') : std::string::npos;
    const std::size_t value = equals == std::string::npos ? 0 : equals + 1;
    if (needs_guard(std::string_view{*at}.substr(value))) at->insert(value, 1, guard);
  }
  if (at == arguments.end()) return;
  at = arguments.erase(at);
  for (; at != arguments.end(); ++at) at->insert(0, 1, guard);
}

Answer wrong(const CLI::App& app, const CLI::App* command, const std::string& mistake) {
  const std::string hint = command == nullptr ? "memctl --help lists the commands"
                                              : called(app, *command) + " --help shows how";
  return {static_cast<int>(ExitCode::usage), "",
          "memctl: " + printable(mistake) + "\n  hint: " + hint + "\n"};
}

}  // namespace

std::string unguarded(const std::string& text) {
  return text.starts_with(guard) ? text.substr(1) : text;
}

std::optional<Answer> read_arguments(CLI::App& app, std::vector<std::string> arguments) {
  const Usage usage = read_usage(app, arguments);
  std::string mistake = usage.mistake.value_or("");
  guard_words(arguments);
  std::vector<std::string> reversed{arguments.rbegin(), arguments.rend()};
  try {
    app.parse(std::move(reversed));
  } catch (const CLI::Success& shown) {
    std::ostringstream out;
    std::ostringstream err;
    app.exit(shown, out, err);
    return Answer{0, out.str(), err.str()};
  } catch (const CLI::ValidationError& wrong_value) {  // thrown by our own functions alone
    if (mistake.empty()) mistake = wrong_value.what();
  } catch (const CLI::Error&) {
    if (mistake.empty()) mistake = "this command line cannot be read";
  }
  if (mistake.empty()) return std::nullopt;
  return wrong(app, usage.command, mistake);
}

}  // namespace memctl::cli
