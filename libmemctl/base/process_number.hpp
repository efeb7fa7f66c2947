// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <unistd.h>

namespace memctl {

/// The number of this process. After a fork the child has another.
[[nodiscard]] inline int process_number() { return static_cast<int>(::getpid()); }

}  // namespace memctl
