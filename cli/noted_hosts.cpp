// SPDX-License-Identifier: LGPL-2.1-or-later
#include "system_journal.hpp"

namespace memctl::cli {

bool is_noted(std::string_view uri) { return uri == "xen:"; }

}  // namespace memctl::cli
