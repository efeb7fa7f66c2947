// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

#include "asker.hpp"
#include "memctl/log.hpp"

namespace memctl::cli {

/// The entry for systemd's journal that tells how a resize or a recovery ended: its fields, as
/// "NAME=value". Empty: `line` tells of no end. A domain's name and every other foreign text is one
/// line, harmless to a terminal, and at most 1 KiB; figures that are not known are left out.
[[nodiscard]] std::vector<std::string> journal_entry(const LogLine& line, const Asker& asker);

}  // namespace memctl::cli
