// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The words of a command line, one a line of the input: of memctl and of xl's commands, and each
// word as a size and as a time.
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "bytes.hpp"
#include "memctl/size.hpp"
#include "options.hpp"
#include "require.hpp"
#include "time_text.hpp"
#include "xl_options.hpp"

namespace memctl::fuzz {
namespace {

using Words = std::vector<std::string>;

void check(const std::variant<cli::Options, cli::Answer>& parsed) {
  const auto* answer = std::get_if<cli::Answer>(&parsed);
  if (answer == nullptr) return;
  if (answer->exit_code == 0) {
    require(!answer->out.empty() && answer->err.empty(), "an answer goes to standard output");
    return;
  }
  require(answer->exit_code == 2 && answer->out.empty(), "a mistake is exit code 2");
  const std::string& err = answer->err;
  require(std::ranges::count(err, '\n') == 2 && err.ends_with('\n') && err.starts_with("memctl: "),
          "a mistake is a line and a hint", err);
  const auto lines = err.find('\n');
  require(is_one_line(std::string_view{err}.substr(0, lines)) ||
              std::ranges::none_of(err, [](char c) { return c == '\x1b' || c == '\0'; }),
          "a mistake is harmless to a terminal", err);
}

void check_size(const std::string& word) {
  const auto size = parse_size(word);
  if (!size) return require_sound(size.error());
  const Kib amount = size.value().amount;
  require(amount >= -vast_size && amount <= vast_size && amount != Kib{}, "a size has bounds",
          word);
  if (size.value().kind == SizeRequest::Kind::absolute) {
    const auto again = parse_size(to_string(amount));
    require(again && again.value().amount == amount, "a size that is shown can be given", word);
  }
}

void check_time(const std::string& word) {
  const auto time = cli::parse_time(word);
  require(!time || (time->count() >= 1 && *time <= std::chrono::hours{24 * 366}),
          "a time has bounds", word);
}

}  // namespace
}  // namespace memctl::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace memctl;
  std::string text = fuzz::Bytes{data, size}.rest();
  std::erase(text, '\0');  // no word of a command line has one
  fuzz::Words words;
  for (std::string_view rest{text}; !rest.empty();) {
    const auto end = std::min(rest.find('\n'), rest.size());
    words.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  for (const std::string& word : words) {
    fuzz::check_size(word);
    fuzz::check_time(word);
  }
  fuzz::check(cli::parse_options(words));
  for (const auto command : {cli::Command::resize, cli::Command::status, cli::Command::doctor}) {
    fuzz::check(cli::parse_xl_options(command, words));
  }
  return 0;
}
