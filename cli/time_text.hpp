// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Times as users write them, on the command line and in the configuration file.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace memctl::cli {

/// In the place of a time: there is no limit.
inline constexpr std::string_view never = "never";

/// For messages about other texts.
inline constexpr std::string_view is_no_time = " is no time from 1ms to 8784h";

/// "60", "1.5", "90s", "250ms", "2min", "1h": a bare number is seconds. At least a millisecond, at
/// most 366 days. Nothing: it is no such time.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_time(std::string_view text);

}  // namespace memctl::cli
