// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What programs read: one compact object a line, described in docs/json.md and docs/schema/.
#pragma once

#include <optional>
#include <string>

#include "ending.hpp"
#include "memctl/doctor.hpp"
#include "memctl/domain_info.hpp"
#include "memctl/plan.hpp"
#include "memctl/recovery.hpp"
#include "memctl/resize.hpp"

namespace memctl::cli {

[[nodiscard]] std::string progress_json(const Event& event);
[[nodiscard]] std::string report_json(const Ending& ending);
[[nodiscard]] std::string plan_json(const Plan& plan);
[[nodiscard]] std::string status_json(const DomainStatus& status);
/// In place of a domain's status, where there is none.
[[nodiscard]] std::string status_error_json(const Error& error);

/// What was left on a domain, and what became of it.
[[nodiscard]] std::string recovery_json(const Recovery& recovery, const DomainIdentity& domain);
/// The same where it could not be undone, or where there is no such domain.
[[nodiscard]] std::string recovery_error_json(const Ending& ending);

/// One finding; `domain` is empty for the host's.
[[nodiscard]] std::string finding_json(const Finding& finding,
                                       const std::optional<DomainIdentity>& domain);
/// In place of the findings of a host or domain, where there are none.
[[nodiscard]] std::string doctor_error_json(const Error& error);

}  // namespace memctl::cli
