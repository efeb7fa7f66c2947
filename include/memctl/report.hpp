// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "memctl/cause.hpp"
#include "memctl/domain_info.hpp"
#include "memctl/export.hpp"
#include "memctl/units.hpp"

namespace memctl {

/// How a resize ended.
enum class Outcome {
  verified,  ///< The size was reached, and every layer that can be asked agrees.
  refused,   ///< Nothing was changed.
  restored,  ///< It failed, and the earlier state is back.
  kept,      ///< It failed, and the part that was reached stays: asked for, or safer than undoing.
  superseded,  ///< Somebody else set another target; theirs stands.
  failed,      ///< It failed, and the earlier state could not be brought back whole.
  gone,        ///< The domain went away, rebooted or moved.
};
[[nodiscard]] MEMCTL_EXPORT std::string_view name(Outcome outcome);

/// The parts of an operation, in the order in which they come.
enum class Phase { facts, reserve, online, populate, verify, restore };
[[nodiscard]] MEMCTL_EXPORT std::string_view name(Phase phase);

struct PhaseTime {
  Phase phase{};
  std::chrono::milliseconds spent{};
};

/// Which of the three layers confirmed the result. `xen` is measured, the others are what the agent
/// said; a layer that could not be asked is false.
struct Verified {
  bool xen{};
  bool blocks{};
  bool guest_total{};
  [[nodiscard]] bool all() const { return xen && blocks && guest_total; }
};

/// What a resize did, whatever its end. Sizes as `xl` means them.
struct Report {
  Outcome outcome{Outcome::refused};
  std::optional<Cause> cause{};  ///< Set unless verified.
  std::string message{};         ///< The error's line; empty when verified.
  std::string hint{};            ///< What would be right; empty when verified.
  DomainIdentity domain{};
  Kib from{};                        ///< The size before.
  Kib requested{};                   ///< The absolute size that was asked for.
  Kib reached{};                     ///< The size that the domain has now, by Xen's page count.
  std::optional<Kib> guest_total{};  ///< The guest's MemTotal, as the agent last said.
  Kib limit{};                       ///< static-max now.
  std::optional<Kib> pool{};         ///< The paging pool now; nothing for pv.
  int stages{};                      ///< How many were begun.
  std::chrono::milliseconds elapsed{};
  std::vector<PhaseTime> phases{};
  /// Guest memory that goes on describing added blocks after their memory was taken back.
  Kib residual{};
  Verified verified{};
};

}  // namespace memctl
