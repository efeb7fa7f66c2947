// SPDX-License-Identifier: LGPL-2.1-or-later
#include "time_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace memctl::cli {

std::optional<std::chrono::milliseconds> parse_time(std::string_view text) {
  constexpr double shortest = 1;
  constexpr double longest = 366.0 * 24 * 3600 * 1000;
  constexpr std::array<std::pair<std::string_view, double>, 5> units{
      {{"", 1000}, {"ms", 1}, {"s", 1000}, {"min", 60'000}, {"h", 3'600'000}}};
  double number = 0;
  const char* const last = text.data() + text.size();
  const auto [end, status] = std::from_chars(text.data(), last, number, std::chars_format::fixed);
  if (status != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (text.size() > 1 && text.starts_with(' ')) text.remove_prefix(1);
  const auto* unit = std::ranges::find(units, text, &std::pair<std::string_view, double>::first);
  if (unit == units.end()) return std::nullopt;
  const double time = number * unit->second;
  // In this form the comparison also rejects NaN.
  if (!(time >= shortest && time <= longest)) return std::nullopt;
  return std::chrono::milliseconds{std::llround(time)};
}

}  // namespace memctl::cli
