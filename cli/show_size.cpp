// SPDX-License-Identifier: LGPL-2.1-or-later
#include "show_size.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>

namespace memctl::cli {
namespace {

std::int64_t in_mib(Kib size, Rounding rounding) {
  switch (rounding) {
    case Rounding::up:
      return round_up(size, 1_MiB) / 1_MiB;
    case Rounding::down:
      return size / 1_MiB;
    case Rounding::nearest:
      break;
  }
  return (size + (size < Kib{} ? -512_KiB : 512_KiB)) / 1_MiB;
}

std::string with_letter(std::int64_t mib) {
  constexpr std::int64_t mib_per_gib = 1024;
  const char* letter = "M";
  for (const char* larger : {"G", "T"}) {
    if (mib == 0 || mib % mib_per_gib != 0) break;
    mib /= mib_per_gib;
    letter = larger;
  }
  return std::to_string(mib) + letter;
}

}  // namespace

std::string show_size(Kib size, SizeUnit unit, Rounding rounding) {
  switch (unit) {
    case SizeUnit::bytes: {
      constexpr std::int64_t bytes = 1024;
      constexpr Kib most{std::numeric_limits<std::int64_t>::max() / bytes};
      return std::to_string(std::min(size, most).count() * bytes);
    }
    case SizeUnit::human:
      return with_letter(in_mib(size, rounding));
    case SizeUnit::mib:
      break;
  }
  return std::to_string(in_mib(size, rounding));
}

}  // namespace memctl::cli
