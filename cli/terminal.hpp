// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string_view>

namespace memctl::cli {

/// Writes all of `text`. Waits if the reader is slow. False: the reader is gone. A resize continues
/// without a reader, because the guest must not be left half-way.
bool write_all(int descriptor, std::string_view text);

/// Whether `descriptor` is a terminal that can redraw a line.
[[nodiscard]] bool is_live_terminal(int descriptor);

/// The terminal's width now, or else $COLUMNS, or else 80.
[[nodiscard]] int terminal_columns(int descriptor);

/// Whether the locale's characters are UTF-8. Needs `setlocale(LC_CTYPE, "")` first.
[[nodiscard]] bool locale_is_utf8();

/// Whether the user wants colours: https://no-color.org
[[nodiscard]] bool colour_wanted();

}  // namespace memctl::cli
