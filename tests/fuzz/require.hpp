// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "memctl/error.hpp"

namespace memctl::fuzz {

/// Ends the program, which libFuzzer takes for a crash, if a promise is broken.
inline void require(bool holds, std::string_view promise, const std::string& seen = {}) {
  if (holds) return;
  std::fprintf(stderr, "broken: %.*s%s%s\n", static_cast<int>(promise.size()), promise.data(),
               seen.empty() ? "" : ": ", seen.c_str());
  std::abort();
}

/// Whether a text is one line that is harmless to a terminal, whoever chose a part of it.
inline bool is_one_line(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char c) { return c >= 0x20 && c != 0x7f; });
}

/// What every refusal and failure keeps to.
inline void require_sound(const Error& error) {
  require(!error.message.empty(), "an error says what is wrong");
  require(is_one_line(error.message), "a message is one line", error.message);
  require(is_one_line(error.hint), "a hint is one line", error.hint);
  require(!name(error.cause).empty(), "a cause has a name");
}

}  // namespace memctl::fuzz
