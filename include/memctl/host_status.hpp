// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "memctl/units.hpp"

namespace memctl {

/// A host's memory at one moment. The host measured it.
struct HostStatus {
  Kib total{};
  Kib free{};     ///< Free now and not claimed.
  Kib claimed{};  ///< Set aside for domains that have not taken it yet.
  Kib reserve{};  ///< What stays free: the policy's, or the call's own if that is more.

  /// What domains can still be given.
  [[nodiscard]] Kib spare() const { return free > reserve ? free - reserve : Kib{}; }
};

}  // namespace memctl
