// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "host/port.hpp"
#include "host/task.hpp"
#include "resize/observed_domain.hpp"
#include "resize/patience.hpp"

namespace memctl::resize {

/// Where xenstore has a domain's target and static-max. Only dom0 writes below it.
[[nodiscard]] std::string limits_path(DomainId domain);

/// The target, the limit and max_pages of a domain while an operation holds them. It remembers what
/// it found when the operation began and what it has set since; any other value is another tool's,
/// and ends the operation as `superseded`. Neither libxl nor Xen can compare and set at once, so
/// each call that sets a limit reads all three right before. Belongs to the host's executor.
class HeldLimits {
 public:
  /// All of them must outlive this; `wakeup` is notified when a limit in xenstore changes.
  HeldLimits(host::Port& port, host::Wakeup& wakeup, ObservedDomain& domain);

  /// Watches the limits in xenstore from now on. Errors: `store_error`.
  [[nodiscard]] Result<void> open();
  /// The limits as the domain's facts have them are this operation's from now on.
  void hold();

  /// Compares max_pages as it was last read, and the others if the watch told of a change. Errors:
  /// `superseded`, `domain_gone`, `store_error`.
  [[nodiscard]] Result<void> require_ours();
  /// Reads the page count and all three limits, and compares them. Errors: `superseded`, those of
  /// `ObservedDomain::require_running`, and those of the host.
  [[nodiscard]] Result<void> refresh_limits();

  // Each of these calls that sets a limit calls `refresh_limits` first. If the call fails, its
  // limit is unknown until it is read again.

  /// Sets the target, and first raises the limit if that is lower. The limit also sinks
  /// with the target, down to `lowest_limit`. A guest that reboots is built with target and
  /// limit as they are then, and a pvh or hvm kernel panics if it cannot give back the difference
  /// as it boots; so the two stay close together.
  [[nodiscard]] host::Task<void> set_size(const Patience& patience, Kib size, Kib lowest_limit);
  /// Raises the limit to `size` if it is lower.
  [[nodiscard]] host::Task<void> make_room(const Patience& patience, Kib size);
  [[nodiscard]] host::Task<void> set_limit(const Patience& patience, Kib limit);
  [[nodiscard]] Result<void> set_max_pages(Kib size);
  /// Raises max_pages to its earlier value if this operation has lowered it and nobody has set it
  /// since: another tool's target may lie above.
  [[nodiscard]] Result<void> lift_cap(Kib earlier);
  /// The paging pool. No other tool's hand is looked for: it changes only with the limit.
  [[nodiscard]] Result<void> set_pool(Kib pool);
  /// Raises the pool that libxl's stored configuration fixes. Also content with a larger one that
  /// another tool has just set. Errors: also `superseded` if another tool has set a smaller one.
  [[nodiscard]] host::Task<void> raise_frozen_pool(const Patience& patience, Kib pool);
  /// Brings its earlier value back if it is still `ours`.
  [[nodiscard]] host::Task<void> return_frozen_pool(const Patience& patience, Kib ours,
                                                    Kib earlier);

  /// Whether the limit is known to be just this.
  [[nodiscard]] bool has_limit(Kib limit) const { return limit_ == limit; }
  /// Whether the target in the domain's facts is known to be another tool's.
  [[nodiscard]] bool target_is_anothers() const;
  /// The call of libxl's that the operation has stopped waiting for. It may still set a limit.
  [[nodiscard]] PendingCall* unanswered() const { return unanswered_.get(); }

 private:
  [[nodiscard]] Result<std::optional<std::string>> read_key(const char* key);
  [[nodiscard]] Result<void> require_our_target();
  [[nodiscard]] Result<void> require_our_limit();
  [[nodiscard]] Result<void> require_our_max_pages();
  [[nodiscard]] Error superseded(const std::string& what, std::optional<Kib> size) const;

  host::Port* port_;
  host::Wakeup* wakeup_;
  ObservedDomain* domain_;
  std::unique_ptr<host::Watch> watch_{};
  // What this operation found or set. Nothing: a call of ours may have set it, and it has not been
  // read since.
  std::optional<Kib> target_{};
  std::optional<Kib> limit_{};
  std::optional<Kib> max_pages_{};
  std::shared_ptr<PendingCall> unanswered_{};
};

}  // namespace memctl::resize
