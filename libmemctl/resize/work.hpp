// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "memctl/resize.hpp"
#include "resize/held_limits.hpp"
#include "resize/inquiry.hpp"
#include "resize/progress.hpp"

namespace memctl::resize {

/// What the steps of one operation work with: the domain and its agent, the limits that it holds,
/// and what it tells its caller. Each step is given the patience that it is to have. Belongs to the
/// host's executor.
struct Work : Inquiry {
  /// `question` is the one of `options`, and may have bounds of an administrator.
  Work(host::Port& port, DomainIdentity identity, ResizeOptions options, const Question& question);

  /// Opens the mailbox and the watches. Errors: `store_error`.
  [[nodiscard]] Result<void> open();
  /// Reads the page count and the agent's report, and fails if anything ends the operation:
  /// `cancelled`, `deadline`, `superseded`, `domain_gone`, `guest_rebooted`, `domain_migrating`, or
  /// a failing host. One hypercall, and xenstore's keys only if a watch told of a change.
  [[nodiscard]] Result<void> refresh_memory(const Patience& patience);
  /// Asks the agent, and then reads as `refresh_memory` does. Errors: those of `refresh_memory`
  /// first, since a domain that has ended does not answer; `domain_paused`, for the same reason;
  /// those of `Session::ask`.
  [[nodiscard]] host::Task<void> consult(const Patience& patience, RequestKind kind,
                                         std::uint32_t stage, Kib size);

  ResizeOptions options;
  HeldLimits limits;
  Progress progress;
  /// How many stages had their target set. The guest may have populated memory since the first.
  int stages_begun{0};
  /// The host's NUMA nodes before anything was changed. Empty: one node, or not known.
  std::vector<HostNode> nodes_before{};
};

}  // namespace memctl::resize
