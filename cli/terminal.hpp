// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string_view>

namespace memctl::cli {

/// Writes all of `text`. Waits if the reader is slow. False: it could not be written, for example
/// because the disk is full. A reader that has gone wants no more, so that is no failure.
[[nodiscard]] bool write_all(int descriptor, std::string_view text);

[[nodiscard]] bool is_terminal(int descriptor);

/// False: the reader of a pipe has gone, or a terminal has.
[[nodiscard]] bool has_reader(int descriptor);

/// Whether `descriptor` is a terminal that can redraw a line.
[[nodiscard]] bool is_live_terminal(int descriptor);

/// The terminal's width now, or else $COLUMNS, or else 80.
[[nodiscard]] int terminal_columns(int descriptor);

/// The terminal's height now, or else 24.
[[nodiscard]] int terminal_rows(int descriptor);

/// Whether the locale's characters are UTF-8. Needs `setlocale(LC_CTYPE, "")` first.
[[nodiscard]] bool locale_is_utf8();

/// Whether the user wants colours: https://no-color.org
[[nodiscard]] bool colour_wanted();

}  // namespace memctl::cli
