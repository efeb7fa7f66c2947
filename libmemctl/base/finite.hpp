// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a program asks for, cut to values with which no sum overflows. Nothing real is beyond them.
#pragma once

#include <algorithm>
#include <chrono>

#include "memctl/size.hpp"
#include "memctl/units.hpp"

namespace memctl {

/// Larger than any memory: x86 has 52 bits of physical address, which are 4 PiB.
inline constexpr Kib vast_size = 4096_TiB;

/// At least zero, and at most a century.
[[nodiscard]] constexpr std::chrono::milliseconds finite(std::chrono::milliseconds time) {
  constexpr std::chrono::milliseconds century = std::chrono::hours{876'000};
  return std::clamp(time, std::chrono::milliseconds{}, century);
}

/// At most `vast_size`, up or down.
[[nodiscard]] constexpr SizeRequest finite(SizeRequest size) {
  size.amount = std::clamp(size.amount, -vast_size, vast_size);
  return size;
}

}  // namespace memctl
