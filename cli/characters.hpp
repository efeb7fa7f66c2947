// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Foreign text on a terminal: guests and other tools choose names, and a name can be any bytes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace memctl::cli {

/// Makes `text` one line that is harmless to a terminal: a question mark for each byte that is not
/// UTF-8, for each character that steers a terminal, and for those that are invisible or turn the
/// direction of the text.
[[nodiscard]] std::string printable(std::string_view text);

/// How many columns a printable text takes on a terminal.
[[nodiscard]] std::size_t columns_of(std::string_view text);

/// The beginning of a printable text, in at most `columns` columns. `mark` stands at its end if
/// something was cut off.
[[nodiscard]] std::string cut_to(std::string_view text, std::size_t columns, std::string_view mark);

}  // namespace memctl::cli
