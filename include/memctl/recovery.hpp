// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>

#include "memctl/domain_info.hpp"
#include "memctl/of_domain.hpp"
#include "memctl/report.hpp"
#include "memctl/units.hpp"

namespace memctl {

/// What an operation left whose process died, and what recovery did about it.
struct Recovery {
  /// Nothing: nothing was left behind. Otherwise `outcome` is `restored`, without a cause, or
  /// `kept`. `kept` has no cause if the resize had asked to keep what it reached; otherwise it has
  /// the cause that prevented restoring. `from` and `requested` are those of the dead operation.
  /// `stages` and `residual` count the recovery alone, because those of the dead operation are not
  /// known.
  std::optional<Report> report{};
  /// Host memory that is claimed for the domain although no operation's record stands there. It
  /// belongs to another tool, for example to a toolstack that is building the domain, and recovery
  /// leaves it alone. Measured by the host. Zero: there is none, or an operation left something, in
  /// which case recovery does not look for it.
  Kib unknown_claim{};
};

/// One domain's part in the recovery of a host.
using DomainRecovery = OfDomain<Recovery>;

}  // namespace memctl
