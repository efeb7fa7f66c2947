// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string_view>

#include "memctl/export.hpp"

namespace memctl {

/// The version of the library that the program runs with, for example "0.1.0". The text is static.
[[nodiscard]] MEMCTL_EXPORT std::string_view version();

}  // namespace memctl
