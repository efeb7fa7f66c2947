// SPDX-License-Identifier: LGPL-2.1-or-later
#include "memctl/version.hpp"

namespace memctl {

std::string_view version() { return MEMCTL_VERSION_STRING; }

}  // namespace memctl
