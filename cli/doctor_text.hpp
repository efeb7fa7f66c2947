// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The doctor's findings as people read them. Pure: values in, text out.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "memctl/doctor.hpp"
#include "memctl/domain_info.hpp"

namespace memctl::cli {

/// How many findings each severity has.
struct FindingCount {
  int bad{};
  int note{};
  int unknown{};
  int good{};
  void add(const std::vector<Finding>& findings);
};

/// The findings under a heading for each subject. Each finding has a line, and its remedy a line
/// below it. Unless `verbose`, what is good is left out, and one line counts everything that is
/// unknown because no agent answers.
/// `domain` is empty for findings about the host.
[[nodiscard]] std::string doctor_text(const std::vector<Finding>& findings,
                                      const std::optional<DomainIdentity>& domain, bool verbose);
/// The last line, such as "2 bad, 1 note" or "all good".
[[nodiscard]] std::string summary_text(const FindingCount& count);

}  // namespace memctl::cli
