// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The text of the configuration file, memctl.toml.
#include "configuration.hpp"

#include <charconv>

#include "bytes.hpp"
#include "require.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace memctl;
  const std::string text = fuzz::Bytes{data, size}.rest();
  const auto read = cli::parse_configuration(text, "f");
  if (read) {
    const Policy& policy = read.value().policy;
    fuzz::require(policy.check().has_value(), "the library takes what the file says");
    fuzz::require(policy.domains.size() == read.value().domain_lines.size(),
                  "each entry has its line");
    return 0;
  }
  const Error& error = read.error();
  fuzz::require_sound(error);
  fuzz::require(error.cause == Cause::invalid_argument && !error.hint.empty(),
                "a mistake is told with what is right");
  int line = 0;
  const std::string& message = error.message;
  fuzz::require(message.starts_with("f:"), "a mistake names the file", message);
  const auto number = std::from_chars(message.data() + 2, message.data() + message.size(), line);
  fuzz::require(number.ec == std::errc{} && line >= 1 && line <= 1 + std::ranges::count(text, '\n'),
                "a mistake names its line", message);
  return 0;
}
