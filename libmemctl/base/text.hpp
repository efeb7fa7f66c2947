// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace memctl {

/// Makes a foreign text safe for a terminal: cuts it to `most` characters, and writes a question
/// mark for each byte that is not printable ASCII.
[[nodiscard]] std::string printable(std::string_view text, std::size_t most);

/// Whether the text is digits and nothing else. As a domain, such a text means a number, as in xl.
[[nodiscard]] bool is_number(std::string_view text);

}  // namespace memctl
