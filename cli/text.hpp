// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The output for people. Pure: values in, text out.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "ending.hpp"
#include "memctl/domain_info.hpp"
#include "memctl/plan.hpp"
#include "memctl/recovery.hpp"

namespace memctl::cli {

/// "35 ms", "2.1 s", "1 min 05 s".
[[nodiscard]] std::string show_duration(std::chrono::milliseconds time);
/// A line about the guest memory that still describes added blocks after their memory was given
/// back. Empty: there is none.
[[nodiscard]] std::string residue_text(const Report& report);
/// One or two lines about a verified resize.
[[nodiscard]] std::string success_text(const Report& report);
/// The error with its hint, and the domain's state now. `verbose` adds libxl's log lines.
[[nodiscard]] std::string failure_text(const Ending& ending, bool verbose);
[[nodiscard]] std::string error_text(const Error& error, bool verbose);
/// The stages as a table, the pool, the host's memory and the range of sizes.
[[nodiscard]] std::string plan_text(const Plan& plan);
/// What a dead operation left on a domain, and what recovery did about it.
[[nodiscard]] std::string recovery_text(const Recovery& recovery, const DomainIdentity& domain);

}  // namespace memctl::cli
