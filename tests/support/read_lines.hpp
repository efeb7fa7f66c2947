// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <string_view>

namespace memctl::test {

/// Gives one of the agent's readers each line of a text, as the agent does with a file.
template <class Reader>
Reader read_lines(std::string_view text) {
  Reader reader;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    reader.line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return reader;
}

}  // namespace memctl::test
