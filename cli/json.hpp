// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The output for programs: one compact object a line. docs/json.md and docs/schema/ describe it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "configuration.hpp"
#include "ending.hpp"
#include "memctl/doctor.hpp"
#include "memctl/domain_info.hpp"
#include "memctl/plan.hpp"
#include "memctl/recovery.hpp"
#include "memctl/resize.hpp"

namespace memctl::cli {

[[nodiscard]] std::string progress_json(const Event& event, const DomainIdentity& domain);
[[nodiscard]] std::string report_json(const Ending& ending);
[[nodiscard]] std::string plan_json(const Plan& plan);
[[nodiscard]] std::string status_json(const DomainStatus& status);
/// Stands in the place of a domain's status if there is none.
[[nodiscard]] std::string status_error_json(const Error& error);

/// What `memctl watch` tells of a domain: `change` is "appeared", "changed", "measured" or "ended".
/// Nothing is known of a domain that has ended.
[[nodiscard]] std::string watch_json(std::string_view change, const DomainIdentity& domain,
                                     const std::optional<DomainStatus>& status);
/// Stands in its place if nothing can be watched.
[[nodiscard]] std::string watch_error_json(const Error& error);

/// What a dead operation left on a domain, and what recovery did about it.
[[nodiscard]] std::string recovery_json(const Recovery& recovery, const DomainIdentity& domain);
/// Stands in its place if recovery failed, or if there is no such domain.
[[nodiscard]] std::string recovery_error_json(const Ending& ending);

/// One finding. `domain` is empty for findings about the host.
[[nodiscard]] std::string finding_json(const Finding& finding,
                                       const std::optional<DomainIdentity>& domain);
/// Stands in the place of the findings about a host or a domain if there are none.
[[nodiscard]] std::string doctor_error_json(const Error& error);

/// What is in force, and the lines that set it.
[[nodiscard]] std::string config_json(const Configuration& configuration);
/// Stands in its place if the configuration is wrong.
[[nodiscard]] std::string config_error_json(const Error& error);

}  // namespace memctl::cli
