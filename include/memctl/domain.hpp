// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <vector>

#include "memctl/doctor.hpp"
#include "memctl/domain_info.hpp"
#include "memctl/error.hpp"
#include "memctl/export.hpp"
#include "memctl/operation.hpp"
#include "memctl/pending.hpp"
#include "memctl/plan.hpp"
#include "memctl/question.hpp"
#include "memctl/recovery.hpp"
#include "memctl/resize.hpp"
#include "memctl/size.hpp"

namespace memctl {

class HostState;

/// One life of a domain: after a reboot its calls fail with `no_such_domain`, also if another
/// domain has got its number. Thread-safe. Keeps the connection to the host open.
class MEMCTL_EXPORT Domain {
 public:
  Domain(std::shared_ptr<HostState> host, DomainIdentity identity);

  [[nodiscard]] const DomainIdentity& identity() const { return identity_; }

  /// The domain and its agent, asked now. Blocks for a few milliseconds. If an agent announced
  /// itself and no longer answers, blocks for up to 5 s. Errors: `no_such_domain`, `store_error`,
  /// `hypervisor_error`.
  [[nodiscard]] Result<DomainStatus> status(const StatusOptions& options = {}) const;

  /// What is good and bad about the domain and its guest, in the order of `Check`. Checks that the
  /// domain's type does not have are left out. Blocks like `status`. Like `status`, it writes
  /// nothing but the question to the agent. Errors: those of `status`.
  [[nodiscard]] Result<std::vector<Finding>> doctor(const DoctorOptions& options = {}) const;

  /// What `resize` would do. Blocks like `status`, and writes nothing but the question to the
  /// agent. Errors: every cause for which a resize is refused.
  [[nodiscard]] Result<Plan> plan_resize(SizeRequest size, const PlanOptions& options = {}) const;

  /// `status`, `doctor` and `plan_resize` without the blocking: the question goes out, and the call
  /// returns at once. `wait` of what it returns blocks, and has the errors. Ask several domains
  /// first and wait then: guests that do not answer take 5 s together, not 5 s each.
  [[nodiscard]] Pending<DomainStatus> ask_status(const StatusOptions& options = {}) const;
  [[nodiscard]] Pending<std::vector<Finding>> ask_doctor(const DoctorOptions& options = {}) const;
  [[nodiscard]] Pending<Plan> ask_plan(SizeRequest size, const PlanOptions& options = {}) const;

  /// Starts a resize and returns at once. The operation returns all errors.
  [[nodiscard]] Operation resize(SizeRequest size, ResizeOptions options = {}) const;

  /// Restores what a resize left whose process died: the limits, the target, the claim, and the
  /// memory as far as that is safe for the guest. If the resize had asked to keep what it reached,
  /// its memory stays instead. A resize does the same before it begins, and the time for that does
  /// not count against its `timeout`. If two processes recover a domain at once, one gets `busy`.
  /// If this process dies too, the next call continues.
  ///
  /// Reads `stall`, `online`, `host_reserve` and `on_event` of `options`. If nothing was left,
  /// blocks for milliseconds. Otherwise blocks until the guest has given the memory back, which
  /// takes seconds, or until too little has moved for `stall`; at most for 64 times `stall` or a
  /// minute for each GiB, whichever is longer. Cannot be cancelled.
  ///
  /// Errors that leave everything as it was: `busy` (the resize's process lives), `journal_damaged`
  /// (the record cannot be read, so its owner is not known), `domain_migrating` (the domain is
  /// suspended), `domain_paused`, `stalled` (another tool holds libxl's lock of the domain),
  /// `no_such_domain`, `store_error`, `hypervisor_error`. Errors with a report: `domain_gone`,
  /// `guest_rebooted`, `superseded` (another tool set the target, and that target stays), and
  /// errors of the host, after which the next call restores the rest.
  [[nodiscard]] Result<Recovery> recover(const ResizeOptions& options = {}) const;
  /// `recover` without the blocking: it begins, and the call returns at once. `wait` of what it
  /// returns blocks, and has the errors. Several recoveries of one `Host` go on at once. Only those
  /// whose guests get memory back go one after the other, so that the host keeps its reserve.
  [[nodiscard]] Pending<Recovery> start_recovery(ResizeOptions options = {}) const;

 private:
  std::shared_ptr<HostState> host_;
  DomainIdentity identity_;
};

}  // namespace memctl
