// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <vector>

#include "memctl/doctor.hpp"
#include "memctl/domain_info.hpp"
#include "memctl/error.hpp"
#include "memctl/export.hpp"
#include "memctl/operation.hpp"
#include "memctl/plan.hpp"
#include "memctl/recovery.hpp"
#include "memctl/resize.hpp"
#include "memctl/size.hpp"

namespace memctl {

class HostState;

/// One life of a domain: after a reboot its calls fail with `no_such_domain`. Thread-safe; keeps
/// the host's connection alive.
class MEMCTL_EXPORT Domain {
 public:
  Domain(std::shared_ptr<HostState> host, DomainIdentity identity);

  [[nodiscard]] const DomainIdentity& identity() const { return identity_; }

  /// The domain and its agent, asked now. Blocks for a few milliseconds, and up to 5 s where an
  /// agent announced itself and no longer answers.
  /// Errors: `no_such_domain`, `store_error`, `hypervisor_error`.
  [[nodiscard]] Result<DomainStatus> status(const ResizeOptions& options = {}) const;

  /// What is good and bad about the domain and its guest, in the order of `Check`; what its type
  /// has not is left out. Blocks and fails as `status` does, and writes no more.
  [[nodiscard]] Result<std::vector<Finding>> doctor(const ResizeOptions& options = {}) const;

  /// What `resize` would do, without doing it. Blocks like `status`. Writes nothing but the
  /// question to the agent. Errors: every cause for which a resize is refused.
  [[nodiscard]] Result<Plan> plan_resize(SizeRequest size, const ResizeOptions& options = {}) const;

  /// Starts a resize and returns at once; every error comes from the operation.
  [[nodiscard]] Operation resize(SizeRequest size, ResizeOptions options = {}) const;

  /// Undoes what a resize left whose process died: its limits, its target and its claim are brought
  /// back, and its memory as far as that is safe for the guest, or what was reached is kept where
  /// the resize had asked for that. A resize does the same before it begins. Two that try at once
  /// don't meet: one is told `busy`. Where this process dies too, the next call goes on.
  ///
  /// Of `options` only `stall`, `online`, `host_reserve` and `on_event` count; what a resize
  /// recovers first does not count against its `timeout`. Blocks for
  /// milliseconds where nothing is left, and until the guest has given its memory back otherwise:
  /// seconds, and for `stall` where nothing moves. Cannot be cancelled.
  ///
  /// Errors, nothing having been done: `busy` (the resize's process lives), `journal_damaged` (its
  /// record cannot be read: everything is left alone, since nobody knows whose it is),
  /// `domain_migrating` (suspended), `domain_paused`, `stalled` (another tool holds libxl's lock of
  /// the domain), `no_such_domain`, `store_error`, `hypervisor_error`. With a report:
  /// `domain_gone`, `guest_rebooted`, `superseded` (another tool set the target meanwhile; its word
  /// stands), and those of the host, where the rest is left to the next call.
  [[nodiscard]] Result<Recovery> recover(const ResizeOptions& options = {}) const;

 private:
  std::shared_ptr<HostState> host_;
  DomainIdentity identity_;
};

}  // namespace memctl
