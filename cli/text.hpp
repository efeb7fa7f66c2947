// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What people read. Pure: values in, text out.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "ending.hpp"
#include "memctl/domain_info.hpp"
#include "memctl/plan.hpp"
#include "memctl/recovery.hpp"

namespace memctl::cli {

/// Whole MiB without the unit, rounded, for columns and for "640 of 1024 MiB".
[[nodiscard]] std::string show_mib(Kib size);
/// "35 ms", "2.1 s", "1 min 05 s".
[[nodiscard]] std::string show_duration(std::chrono::milliseconds time);
/// On one line and harmless to a terminal: guests and other tools wrote some of what is shown.
[[nodiscard]] std::string printable(std::string_view text);

/// What describes added memory and stays when that is taken back; empty if nothing does.
[[nodiscard]] std::string residue_text(const Report& report);
/// One or two lines about a verified resize.
[[nodiscard]] std::string success_text(const Report& report);
/// The error, what became of the domain, and the hint. `verbose` adds libxl's log lines.
[[nodiscard]] std::string failure_text(const Ending& ending, bool verbose);
[[nodiscard]] std::string error_text(const Error& error, bool verbose);
/// The stages as a table, and what limits them.
[[nodiscard]] std::string plan_text(const Plan& plan);
/// What was left on a domain, and what became of it.
[[nodiscard]] std::string recovery_text(const Recovery& recovery, const DomainIdentity& domain);
/// A table of domains. `verbose` adds a line for each about what limits it.
[[nodiscard]] std::string status_text(const std::vector<DomainStatus>& domains, bool verbose);

}  // namespace memctl::cli
