// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Whatever stands in the configuration file: it is read, or one line of it is named.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "configuration.hpp"

namespace memctl::cli {
namespace {

constexpr std::array<std::string_view, 31> pieces = {"[host]\n",
                                                     "[resize]\n",
                                                     "[[domain]]\n",
                                                     "reserve = ",
                                                     "timeout = ",
                                                     "stall = ",
                                                     "name = ",
                                                     "minimum = ",
                                                     "maximum = ",
                                                     "online = ",
                                                     "numa = ",
                                                     "\"local\"",
                                                     "\"1GiB\"",
                                                     "\"web*\"",
                                                     "'a?'",
                                                     "600",
                                                     "-1",
                                                     "1.5",
                                                     "\"kernel\"",
                                                     "{",
                                                     "}",
                                                     "[",
                                                     "]",
                                                     "\n",
                                                     "# x\n",
                                                     "\"\\u0000\"",
                                                     "\"",
                                                     "2026-01-01\n",
                                                     "\u00e4",
                                                     "\u1680",
                                                     "\u2028"};

/// Reads `text`, and checks what holds for every text.
void check(const std::string& text) {
  const auto configuration = parse_configuration(text, "f");
  if (configuration) {
    RC_ASSERT(configuration.value().policy.check());
    RC_ASSERT(configuration.value().policy.domains.size() ==
              configuration.value().domain_lines.size());
    return;
  }
  const Error& error = configuration.error();
  RC_ASSERT(error.cause == Cause::invalid_argument);
  RC_ASSERT(!error.hint.empty());
  RC_ASSERT(error.message.find('\n') == std::string::npos);
  RC_ASSERT(error.message.starts_with("f:"));
  int line = 0;
  const char* end = error.message.data() + error.message.size();
  const auto read = std::from_chars(error.message.data() + 2, end, line);
  RC_ASSERT(read.ptr != end && *read.ptr == ':');
  RC_ASSERT(line >= 1 && line <= 1 + std::ranges::count(text, '\n'));
}

RC_GTEST_PROP(ConfigurationProperty, AnyBytesAreReadOrALineIsNamed, (const std::string& text)) {
  check(text);
}

RC_GTEST_PROP(ConfigurationProperty, AnyOrderOfItsPartsIsReadOrALineIsNamed, ()) {
  std::string text;
  for (const auto piece :
       *rc::gen::container<std::vector<std::string_view>>(rc::gen::elementOf(pieces))) {
    text += piece;
  }
  check(text);
}

RC_GTEST_PROP(ConfigurationProperty, AGoodFileWithAnyByteChangedIsReadOrALineIsNamed, (char byte)) {
  std::string text =
      "[host]\nreserve = \"1GiB\"\n[resize]\ntimeout = 600\non_failure = \"keep\"\n[[domain]]\n"
      "name = \"web*\"\nminimum = \"512MiB\"\nmaximum = \"8GiB\"\n";
  text[*rc::gen::inRange<std::size_t>(0, text.size())] = byte;
  check(text);
}

}  // namespace
}  // namespace memctl::cli
