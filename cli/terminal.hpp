// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string_view>

namespace memctl::cli {

/// Writes all of `text`, waiting where the reader is slow. False if the reader is gone: a resize
/// goes on then, since nobody's looking is no reason to leave a guest half-way.
bool write_all(int descriptor, std::string_view text);

/// Whether a live line can be drawn there: a terminal, and not a dumb one.
[[nodiscard]] bool is_live_terminal(int descriptor);

/// Its width now, else $COLUMNS, else 80.
[[nodiscard]] int terminal_columns(int descriptor);

/// Whether the locale's characters are UTF-8. Needs `setlocale(LC_CTYPE, "")` first.
[[nodiscard]] bool locale_is_utf8();

/// Whether colours are welcome: https://no-color.org
[[nodiscard]] bool colour_wanted();

}  // namespace memctl::cli
