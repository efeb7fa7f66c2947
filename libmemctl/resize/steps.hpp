// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The steps of an operation that change the domain or wait for it, in the order in which
// operation.cpp takes them.
#pragma once

#include <optional>

#include "memctl/plan.hpp"
#include "resize/journal.hpp"
#include "resize/work.hpp"

namespace memctl::resize {

/// Raises the paging pool and the stored one, then max_pages, then claims the host memory, and then
/// checks that the host's reserve is still there. After an error `restore` takes back what was
/// done. Errors: `paging_pool`, `host_memory`, those of `Work::refresh_memory`, and the host's.
[[nodiscard]] host::Task<void> reserve(Work& work, const Patience& patience, const Plan& plan);

/// How to walk to a size: the operation walks to the one that was asked for, and restoring walks
/// back to the earlier one.
struct Way {
  Kib goal{};
  const Patience& patience;
  /// Part of restoring: the stages move the progress that `restore` has begun, and begin none. The
  /// first stage is no plan's, so it is decided on what is read before it.
  bool restores{};
  /// The limit sinks with the size, down to this.
  Kib lowest_limit{};
  /// The guest's size when the operation began. Growing back to it adds no block, and so is one
  /// stage, whatever the guest has free and without a question to the agent. Zero: this is no way
  /// back.
  Kib size_before{};
  /// Each stage leaves this much of the host's memory free. Nothing: a claim has reserved enough.
  std::optional<Kib> host_reserve{};
};

/// `patience`, but no longer than the whole way to `goal` may take. Each stage has a pace of its
/// own, and a guest could lengthen the way for ever by many small stages.
[[nodiscard]] Patience patience_for_way(const Work& work, const Patience& patience, Kib goal);

/// How a walk ended.
struct Walked {
  /// Why it stopped before the goal: the guest, its agent or the host stood in the way, or anything
  /// else that ends an operation. Nothing: it is at the goal.
  std::optional<Error> stopped{};
};

/// Walks to `way.goal` in stages, each decided on what the agent and the host say then: on the
/// answer to its PREPARE, or on a report that was surely made after the last page of the stage
/// before. A stage that is decided on an earlier report would count that one twice. Errors, after
/// which restoring must not set anything either: `superseded`, a libxl that does not answer,
/// and a host that does not tell its free memory.
[[nodiscard]] host::Task<Walked> walk(Work& work, const Way& way);

/// Brings the domain to the stage's size: first prepares the agent if it is to, then sets the
/// target, then waits until Xen's page count is there. Errors: everything that ends an operation
/// early.
[[nodiscard]] host::Task<void> run_stage(Work& work, const Way& way, int number, const Stage& stage,
                                         bool prepares);

/// Asks all three layers until they agree that the domain has grown or shrunk from `before`.
/// Errors: the layer that does not, as `stalled` or `guest_offline_blocks`; those of
/// `Work::consult`.
[[nodiscard]] host::Task<Verified> verify(Work& work, const Patience& patience,
                                          const Record& before,
                                          const std::optional<AgentReport>& report_before);

}  // namespace memctl::resize
