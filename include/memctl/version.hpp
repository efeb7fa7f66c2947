// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string_view>

#include "memctl/export.hpp"

namespace memctl {

/// The version of the library that is linked, for example "0.1.0". Static storage.
[[nodiscard]] MEMCTL_EXPORT std::string_view version();

}  // namespace memctl
