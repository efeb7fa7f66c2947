// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <optional>

#include "host/port.hpp"
#include "host/task.hpp"
#include "plan/input.hpp"
#include "resize/patience.hpp"

namespace memctl::resize {

/// Whether the domain has ended, so that nothing is left to restore. Ask this of a cause that
/// `ObservedDomain` found: a host's call that says `no_such_domain` may simply have failed.
[[nodiscard]] bool has_ended(Cause cause);

/// The error for dom0, which is no guest.
[[nodiscard]] Error is_dom0();

/// Whether the domain of that number is still the one that `identity` means: numbers wrap. dom0 is
/// refused, which an identity that nobody filled in would name. Errors: `no_such_domain`, and those
/// of the host.
[[nodiscard]] Result<void> require_same(host::Port& port, const DomainIdentity& identity);

/// A domain, its guest and its host as they were last seen: all that a decision rests on. Whoever
/// learns something new tells it here. Belongs to the host's executor.
class ObservedDomain {
 public:
  /// `port` must outlive this.
  ObservedDomain(host::Port& port, DomainIdentity identity, plan::Terms terms);

  [[nodiscard]] const DomainIdentity& identity() const { return identity_; }
  [[nodiscard]] DomainId id() const { return identity_.id; }
  [[nodiscard]] const plan::Input& facts() const { return facts_; }

  // What follows reads from the host. Its errors: those of the host, and those that are named.

  /// Everything that Xen, libxl and xenstore know of the domain. Waits for libxl.
  [[nodiscard]] host::Task<void> read_domain(const Patience& patience);
  /// The host's free memory.
  [[nodiscard]] Result<void> read_host();
  /// The page count, max_pages, and whether the domain is paused or ending: one hypercall.
  /// Errors: `domain_gone`.
  [[nodiscard]] Result<void> read_memory();

  /// Whether an operation's record holds the domain. Everything else in the facts may be half-way
  /// while an operation lives.
  [[nodiscard]] Result<void> read_holder();
  /// Whether the domain is being saved, for a plan: a look that another question caused a moment
  /// ago is enough, because each stage looks again. After an error it is unknown.
  [[nodiscard]] Result<void> read_save();

  /// Whether the domain runs, by what `read_memory` last saw: reads nothing. Errors: `domain_gone`,
  /// `guest_rebooted`, `domain_migrating`.
  [[nodiscard]] Result<void> require_running() const;
  /// Whether libxl still has the domain: it removes a domain's nodes before Xen ends the domain.
  /// Errors: `domain_gone`.
  [[nodiscard]] Result<void> require_nodes();
  /// Whether the domain is being saved or migrated. No event tells; the processes of dom0 do, at a
  /// look that begins now. Errors: `domain_migrating`.
  [[nodiscard]] Result<void> require_no_save();
  /// The same at the begin of a stage: a look that any operation of the host caused at most 25 ms
  /// ago is enough.
  [[nodiscard]] Result<void> require_no_save_before_stage();
  /// The same within a stage, by a look of at most 70 ms ago. Does nothing if it was asked within
  /// that time.
  [[nodiscard]] Result<void> require_no_save_if_due();
  /// Looks at the domain again. If it has ended or is suspended, returns that error; otherwise
  /// returns `error`.
  [[nodiscard]] Error reason_of(Error error);

  /// Removes the nodes of a domain that has gone, if a call of libxl's made some of them again.
  [[nodiscard]] Result<void> remove_remnants();
  /// Notifies `wakeup` from now on when any domain ends.
  [[nodiscard]] Result<void> wake_at_end(host::Wakeup& wakeup);

  /// What an operation has set. Nothing: a call failed, and may have set it or not.
  void note_target(std::optional<Kib> target) { facts_.domain.target = target; }
  void note_limit(Kib limit) { facts_.domain.limit = limit; }
  void note_pool(std::optional<Kib> pool) { facts_.domain.pool = pool; }
  void note_frozen_pool(std::optional<Kib> pool) { facts_.domain.frozen_pool = pool; }

  /// The guest's first answer, and each later report. What its processes take within a second is
  /// measured from report to report.
  void meet_guest(GuestFacts guest);
  void note_report(const AgentReport& report);
  void forget_guest() { facts_.guest.reset(); }

 private:
  [[nodiscard]] Error gone(const char* how) const;
  /// By a look that is younger than `oldest`, or else begins now.
  [[nodiscard]] Result<void> require_no_save(host::Duration oldest);

  host::Port* port_;
  DomainIdentity identity_;
  plan::Input facts_;
  host::TimePoint save_asked_at_{};
  Kib guest_used_{};  ///< What the guest had for itself when its demand was measured,
  host::TimePoint guest_used_at_{};  ///< and when that was.
  std::unique_ptr<host::Watch> end_watch_{};
};

}  // namespace memctl::resize
