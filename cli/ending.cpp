// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ending.hpp"

#include <utility>

namespace memctl::cli {

Ending::Ending(Report verified)
    : outcome{verified.outcome},
      domain{verified.domain},
      requested{verified.requested},
      elapsed{verified.elapsed} {
  report = std::move(verified);
}

Ending::Ending(Error failure, std::optional<DomainIdentity> known_domain,
               std::optional<Kib> known_request)
    : error{std::move(failure)}, domain{std::move(known_domain)}, requested{known_request} {
  if (!error->report) return;
  report = *error->report;
  outcome = report->outcome;
  elapsed = report->elapsed;
  if (!report->domain.name.empty()) domain = report->domain;
  if (report->requested != Kib{}) requested = report->requested;
}

}  // namespace memctl::cli
