// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "memctl/cause.hpp"
#include "memctl/domain_info.hpp"
#include "memctl/export.hpp"
#include "memctl/numa.hpp"
#include "memctl/units.hpp"

namespace memctl {

/// How a resize ended.
enum class Outcome {
  verified,    ///< The size was reached, and every layer that can be asked agrees.
  refused,     ///< Nothing was changed.
  restored,    ///< The resize failed, and the earlier state is restored.
  kept,        ///< It failed, and what it reached stays: the caller asked for it, or it is safer.
  superseded,  ///< Another tool set the target, the limit or max_pages, and its value stays.
  failed,      ///< The resize failed, and the earlier state is restored only in part.
  gone,        ///< The domain ended, rebooted or moved.
};
[[nodiscard]] MEMCTL_EXPORT std::string_view name(Outcome outcome);

/// The parts of an operation, in their order.
enum class Phase { facts, reserve, online, populate, verify, restore };
[[nodiscard]] MEMCTL_EXPORT std::string_view name(Phase phase);

struct PhaseTime {
  Phase phase{};
  std::chrono::milliseconds spent{};
};

/// Which of the three layers confirmed the result. The host measured `xen`; the guest's agent
/// claims `blocks` and `guest_total`. A layer that could not be asked is false.
struct Verified {
  bool xen{};
  bool blocks{};
  bool guest_total{};
  [[nodiscard]] bool all() const { return xen && blocks && guest_total; }
};

/// What a resize did, however it ended. Sizes are counted as `xl` counts them. The host measured
/// every figure but `guest_total`, `residual` and parts of `verified`.
struct Report {
  Outcome outcome{Outcome::refused};
  std::optional<Cause> cause{};  ///< Set unless verified.
  std::string message{};         ///< The error's message. Empty if verified.
  std::string hint{};            ///< The error's hint. Empty if verified, or if there is none.
  DomainIdentity domain{};
  Kib from{};                        ///< The size before.
  Kib requested{};                   ///< The absolute size that was asked for.
  Kib reached{};                     ///< The size that the domain has now, by Xen's page count.
  std::optional<Kib> guest_total{};  ///< The guest's MemTotal, as the agent last claimed.
  Kib limit{};                       ///< The limit now.
  std::optional<Kib> pool{};         ///< The paging pool now. Nothing: a pv domain has no pool.
  int stages{};                      ///< The number of stages that were begun.
  std::chrono::milliseconds elapsed{};
  std::vector<PhaseTime> phases{};
  /// Guest memory that still describes added blocks after their memory was given back.
  Kib residual{};
  Verified verified{};
  /// Where the memory came from or went to. Null: the host has one NUMA node, nothing was changed,
  /// or Xen did not tell.
  std::shared_ptr<const NumaEstimate> numa_estimate{};
};

}  // namespace memctl
