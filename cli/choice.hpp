// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "memctl/resize.hpp"

namespace memctl::cli {

/// A setting that is one of two words. The command line and the configuration use the same words.
template <class Value>
using Choice = std::array<std::pair<std::string_view, Value>, 2>;

inline constexpr Choice<OnFailure> on_failure_choice{
    {{"restore", OnFailure::restore}, {"keep", OnFailure::keep}}};
inline constexpr Choice<OnlineZone> online_choice{
    {{"kernel", OnlineZone::kernel}, {"movable", OnlineZone::movable}}};

inline constexpr Choice<Numa> numa_choice{{{"any", Numa::any}, {"local", Numa::local}}};

/// Nothing: it is neither of the two words.
template <class Value>
[[nodiscard]] std::optional<Value> value_of(std::string_view word, const Choice<Value>& choice) {
  for (const auto& [known, value] : choice) {
    if (word == known) return value;
  }
  return std::nullopt;
}

template <class Value>
[[nodiscard]] std::string_view word_for(Value value, const Choice<Value>& choice) {
  return choice[value == choice[0].second ? 0 : 1].first;
}

}  // namespace memctl::cli
