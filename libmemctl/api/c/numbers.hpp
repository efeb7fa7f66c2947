// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The numbers of the C interface. They are those of the C++ enumerations, which numbers.cpp checks.
#pragma once

#include "memctl/memctl.h"

namespace memctl::c {

template <class Enumeration>
[[nodiscard]] constexpr std::int32_t number_of(Enumeration value) {
  return static_cast<std::int32_t>(value);
}

}  // namespace memctl::c
