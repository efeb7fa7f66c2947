// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "memctl/report.hpp"
#include "memctl/units.hpp"

namespace memctl {

/// What becomes of a resize that cannot be finished.
enum class OnFailure {
  restore,  ///< The earlier size and limits come back, as far as that is safe for the guest.
  keep,     ///< What was reached stays, with limits that fit it.
};

/// The zone that added memory goes to. `movable` memory can later be unplugged but is never given
/// back by ballooning, and the kernel's own needs cannot be met from it.
enum class OnlineZone { kernel, movable };

/// Where an operation is.
struct Event {
  Phase phase{};
  int stage{};  ///< From 1; 0 outside the stages.
  Kib from{};   ///< Where the phase began,
  Kib to{};     ///< where it will end,
  Kib now{};    ///< and where it is. For `online` the guest's claim, else measured.
  std::chrono::milliseconds elapsed{};  ///< Since the operation began.
};

struct ResizeOptions {
  /// On the whole operation; nothing: no limit. Restoring comes on top.
  std::optional<std::chrono::milliseconds> timeout{};
  /// No progress in any layer for so long ends the operation.
  std::chrono::milliseconds stall{std::chrono::seconds{30}};
  OnFailure on_failure{OnFailure::restore};
  OnlineZone online{OnlineZone::kernel};
  /// Do without the guest's agent: only Xen's page count can then be verified.
  bool agentless{false};
  /// Take the risk that emulated devices cannot reach the added memory of an hvm guest.
  bool allow_hvm_devices{false};
  /// Left free on the host, whatever is asked; only a shrink may take of it, for the domain's
  /// paging pool.
  Kib host_reserve{64_MiB};
  /// Called in the operation's own context, on the thread that runs the host; it must neither block
  /// nor call back into the host. At most a few dozen calls a second. What it throws ends the
  /// operation with `cancelled`; it isn't called again.
  std::function<void(const Event&)> on_event{};
};

}  // namespace memctl
