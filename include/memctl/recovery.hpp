// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>

#include "memctl/domain_info.hpp"
#include "memctl/error.hpp"
#include "memctl/report.hpp"
#include "memctl/units.hpp"

namespace memctl {

/// What was found of an operation whose process died, and what became of it.
struct Recovery {
  /// Nothing: nothing was left behind. Otherwise `outcome` is `restored`, without a cause, or
  /// `kept`: because the resize had asked for that, without a cause, or with the cause that stood
  /// in the way. `from` and `requested` are those of the dead operation; `stages` and `residual`
  /// are not known, and tell of the recovery alone.
  std::optional<Report> report{};
  /// Host memory that is claimed for the domain although no operation's record tells of it:
  /// somebody else's, for example of a toolstack that is building the domain. It is left alone.
  /// Measured; zero: there is none. Only looked for where nothing was left behind.
  Kib unknown_claim{};
};

/// One domain's part in the recovery of a host.
struct DomainRecovery {
  DomainIdentity domain{};
  Result<Recovery> result;
};

}  // namespace memctl
