// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "memctl/numa.hpp"
#include "memctl/report.hpp"
#include "memctl/units.hpp"

namespace memctl {

/// What happens if a resize cannot be finished.
enum class OnFailure {
  restore,  ///< Restore the earlier size and limits, as far as that is safe for the guest.
  keep,     ///< Keep the size that was reached, and set limits that fit it.
};

/// The zone that added memory goes to. `movable` memory can later be unplugged, but ballooning
/// never gives it back, and the kernel cannot use it for its own needs.
enum class OnlineZone { kernel, movable };

/// How far an operation has come.
struct Event {
  Phase phase{};
  int stage{};  ///< Counts from 1; 0 outside the stages.
  Kib from{};   ///< The size when the phase began; 0 in `facts`, which finds it out.
  Kib to{};     ///< The size when the phase will end; 0 in `facts`.
  Kib now{};    ///< The size now: in `online` the guest claims it, otherwise the host measured it.
  std::chrono::milliseconds elapsed{};  ///< Since the operation began.
};

struct ResizeOptions {
  /// The time for the whole operation; restoring takes more time after it. Nothing: no end. Here
  /// and in all options, times below zero stand for zero, and those beyond a century for a century.
  std::optional<std::chrono::milliseconds> timeout{};
  /// If no layer makes progress for this long, the operation ends. Progress is a 64th of what a
  /// stage has to move; a GiB a minute is always enough.
  std::chrono::milliseconds stall{std::chrono::seconds{30}};
  /// If no agent of the guest answers, wait this long for one before anything is decided, and count
  /// that time to `timeout`. Nothing: do not wait.
  std::optional<std::chrono::milliseconds> wait_agent{};
  OnFailure on_failure{OnFailure::restore};
  OnlineZone online{OnlineZone::kernel};
  /// Work without the guest's agent: it is not asked even if there is one. Then only Xen's page
  /// count can be verified, and the guest can only grow.
  bool agentless{false};
  /// Accept that emulated devices cannot reach the added memory of an hvm guest.
  bool allow_hvm_devices{false};
  /// Accept more than three times as much movable memory as the guest's kernel can use. Such a
  /// kernel can run dry.
  bool force_movable{false};
  /// Host memory that stays free; the host's `Policy` may ask for more. Only a shrink may take some
  /// of it, for the domain's paging pool.
  Kib host_reserve{64_MiB};
  /// Where the memory of a growth may lie; the host's `Policy` may ask for more.
  Numa numa{Numa::any};
  /// The operation calls it on the host's thread, at most a few dozen times a second: if stages
  /// follow each other very fast, some of their events are left out. It must not block, unless a
  /// `CallbackQueue` brings it to another thread. If it throws, on whichever thread, the resize
  /// ends with `cancelled` and restores, and it is not called again. If the resize has ended by
  /// then, its end counts. A recovery goes on.
  std::function<void(const Event&)> on_event{};
};

}  // namespace memctl
