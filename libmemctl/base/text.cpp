// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/text.hpp"

#include <algorithm>

namespace memctl {

std::string printable(std::string_view text, std::size_t most) {
  std::string shown{text.substr(0, most)};
  std::ranges::replace_if(
      shown, [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return shown;
}

bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace memctl
