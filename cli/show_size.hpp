// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "memctl/units.hpp"

namespace memctl::cli {

/// How a column shows sizes.
enum class SizeUnit {
  mib,    ///< Whole MiB without the unit, as in the columns of xl.
  bytes,  ///< Bytes without the unit.
  human,  ///< "4G", "1536M": whole MiB, as whole GiB or TiB if they are.
};
enum class Rounding { nearest, up, down };

[[nodiscard]] std::string show_size(Kib size, SizeUnit unit, Rounding rounding = Rounding::nearest);

}  // namespace memctl::cli
