// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The steps of an operation, in the order in which operation.cpp takes them.
#pragma once

#include <optional>

#include "memctl/plan.hpp"
#include "resize/context.hpp"
#include "resize/journal.hpp"

namespace memctl::resize {

/// Raises the paging pool, then the limit, then claims the host memory, then looks whether the
/// reserve is still there. What was done before an error is left for `undo`.
/// Errors: `pool`, `host_memory`, `hypervisor_error`, …
[[nodiscard]] host::Task<void> reserve(Context& context, const Plan& plan);

/// Brings the domain to the stage's size: the agent first, then the target, then waiting for what
/// Xen and the agent say. Errors: everything that ends an operation early.
[[nodiscard]] host::Task<void> run_stage(Context& context, int number, const Stage& stage);

/// Ends the stages to one size that come no nearer to it: a guest may turn round after each of
/// them, since root in it sets the balloon driver's target too.
class Approach {
 public:
  explicit Approach(Kib goal) : goal_{goal} {}
  /// Before each stage. Errors: `stalled`, after the sixteenth that led no nearer than an earlier
  /// one.
  [[nodiscard]] Result<void> begin_stage(const Stage& stage);

 private:
  Kib goal_;
  std::optional<Kib> nearest_{};
  int in_vain_{0};
};

/// Asks all three layers until they agree that the domain has grown or shrunk from `before`.
/// Errors: the layer that doesn't, as `stalled`, `guest_offline_blocks`, …
[[nodiscard]] host::Task<Verified> verify(Context& context, const Record& before,
                                          const std::optional<AgentReport>& report_before);

/// What an operation that could not be finished left behind.
struct Undone {
  bool whole{};                   ///< Exactly the earlier size and limits.
  Kib size{};                     ///< The domain's size now.
  Kib limit{};                    ///< static-max now.
  std::optional<Kib> pool{};      ///< The paging pool now.
  std::optional<Error> reason{};  ///< Why it did not come back whole, where that is known.
};

/// Brings back what `before` tells, as far as it is safe for the guest; with `keep`, fits the
/// limits to what was reached. The pool is lowered only where the domain has not grown, nor does by
/// another's target: Xen frees a pool's free pages first and fails afterwards, and the next shrink
/// would crash the guest. Errors: `superseded` where another tool sets the target meanwhile,
/// `stalled` where libxl does not answer, and whatever made even that impossible.
[[nodiscard]] host::Task<Undone> undo(Context& context, const Record& before, bool keep);

}  // namespace memctl::resize
