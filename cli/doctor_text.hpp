// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What people read of a doctor's findings. Pure: values in, text out.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "memctl/doctor.hpp"
#include "memctl/domain_info.hpp"

namespace memctl::cli {

/// How many findings there were of each kind.
struct FindingCount {
  int bad{};
  int note{};
  int unknown{};
  void add(const std::vector<Finding>& findings);
};

/// The findings under a heading for each subject, one line each, the remedy below it. What is
/// unknown because no agent answers takes one line together, unless `verbose`. `domain` is empty
/// for the host's.
[[nodiscard]] std::string doctor_text(const std::vector<Finding>& findings,
                                      const std::optional<DomainIdentity>& domain, bool verbose);
/// The last line: "2 bad, 1 note", or that all is good.
[[nodiscard]] std::string summary_text(const FindingCount& count);

}  // namespace memctl::cli
