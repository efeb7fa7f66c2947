// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "memctl/doctor.hpp"
#include "memctl/domain.hpp"
#include "memctl/error.hpp"
#include "memctl/export.hpp"
#include "memctl/host_status.hpp"
#include "memctl/log.hpp"
#include "memctl/of_domain.hpp"
#include "memctl/pending.hpp"
#include "memctl/policy.hpp"
#include "memctl/question.hpp"
#include "memctl/recovery.hpp"
#include "memctl/watch.hpp"

namespace memctl {

/// How the embedding program wants a host to be.
struct HostOptions {
  /// Hears what the host does. Without it the library is silent: it has no output of its own.
  LogCallback on_log{};
  /// What the administrator allows. `Host::set_policy` changes it.
  Policy policy{};
};

/// A connection to one Xen host. Thread-safe.
///
/// Its thread memctl-host runs its operations. `xen:` has up to eight more, memctl-libxl, for
/// libxl's blocking calls, and one of libxenstore's own, which has the name memctl-host too. They
/// take no signals, and have ended when the destructor returns. The library starts no process,
/// installs no signal handler and writes no output. Two things on `xen:` are not in its hands:
/// libxl ends the process if it gets no memory, and the libxenstore of Xen 4.17 lets the whole
/// process ignore SIGPIPE during each request. If two threads ask at once, that can stay so. A
/// program that ignores SIGPIPE itself sees no difference.
///
/// The destructor cancels the operations under way and waits for them, and for questions and
/// recoveries that are under way. It also waits for libxl's calls; a call that waits for another
/// tool's lock ends only with that lock or with this process.
///
/// Callbacks run on the host's thread. There, a call that would block returns `not_permitted` at
/// once; calls that do not block, such as `resize` and `ask_status`, work. The last handle may be
/// dropped there: another thread then does what the destructor does, as soon as the process may
/// have one.
///
/// In a forked child, where the host's thread does not exist, every call returns `not_permitted` at
/// once, and callbacks that are registered there are called at once. Dropping the handles there
/// neither cancels nor closes anything. The child can open a host of its own.
class MEMCTL_EXPORT Host {
 public:
  explicit Host(std::shared_ptr<HostState> state);
  /// `uri`: "xen:" is the host whose dom0 this program runs in, "sim:" and "sim:FILE" are simulated
  /// hosts. Errors: `no_xen`, `not_permitted` (also if the process may have no more threads or file
  /// descriptors), `xen_unsupported` (another release of Xen), `invalid_argument` (an unknown kind
  /// of host, a file that describes no host, or a wrong policy).
  [[nodiscard]] static Result<Host> open(std::string_view uri, HostOptions options = {});

  /// The guest with this name or number. Digits mean a number, as in `xl`: a guest whose name is
  /// digits is found by its number alone. dom0 is no guest and is not found. Blocks for some
  /// milliseconds. Errors: `no_such_domain`, `hypervisor_error`.
  [[nodiscard]] Result<Domain> domain(std::string_view name_or_id) const;
  /// The domain with an identity that a list or a report gave. Does not block and does not ask the
  /// host: if the domain has ended, the calls of `Domain` return `no_such_domain`.
  [[nodiscard]] Domain domain(DomainIdentity identity) const;
  /// All guests, by number. Blocks for some milliseconds. Errors: `hypervisor_error`.
  [[nodiscard]] Result<std::vector<Domain>> domains() const;

  /// Replaces the policy, for all handles of this host. Operations that have begun keep theirs.
  /// Does not block. Errors: `invalid_argument`, those of `Policy::check`; the earlier policy then
  /// stays.
  [[nodiscard]] Result<void> set_policy(Policy policy) const;

  /// Tells of guests that appear, change and end, until the last copy of what it returns is
  /// dropped. Guests that run already appear first. `on_change` runs on the host's thread and must
  /// not block. Its exceptions are ignored. Only what lasts is told: a domain that appears and ends
  /// within some milliseconds may be left out. Blocks for some milliseconds. Errors: `store_error`.
  [[nodiscard]] Result<DomainWatch> watch(std::function<void(const DomainChange&)> on_change) const;

  /// The host's memory now. Reads `host_reserve` of `options`. Blocks for some milliseconds.
  /// Errors: `hypervisor_error`.
  [[nodiscard]] Result<HostStatus> status(const StatusOptions& options = {}) const;
  /// The same without the blocking. `wait` of what it returns blocks, and has the errors.
  [[nodiscard]] Pending<HostStatus> ask_status(const StatusOptions& options = {}) const;

  /// What is good and bad about the host itself, in the order of `Check`. Reads `host_reserve` of
  /// `options`. Blocks for some milliseconds. Errors: `hypervisor_error`.
  [[nodiscard]] Result<std::vector<Finding>> doctor(const DoctorOptions& options = {}) const;
  /// The same without the blocking. `wait` of what it returns blocks, and has the errors.
  [[nodiscard]] Pending<std::vector<Finding>> ask_doctor(const DoctorOptions& options = {}) const;

  /// `Domain::status` and `Domain::doctor` of all guests at once, by number. Guests whose agents do
  /// not answer take 5 s together. A guest that ends meanwhile is left out. Errors:
  /// `hypervisor_error`. An error of one domain is in the result of that domain.
  [[nodiscard]] Result<std::vector<OfDomain<DomainStatus>>> status_all(
      const StatusOptions& options = {}) const;
  [[nodiscard]] Result<std::vector<OfDomain<std::vector<Finding>>>> doctor_all(
      const DoctorOptions& options = {}) const;
  /// The same without the blocking. `wait` of what it returns blocks, and has the errors.
  [[nodiscard]] Pending<std::vector<OfDomain<DomainStatus>>> ask_status_all(
      const StatusOptions& options = {}) const;
  [[nodiscard]] Pending<std::vector<OfDomain<std::vector<Finding>>>> ask_doctor_all(
      const DoctorOptions& options = {}) const;

  /// Calls `Domain::start_recovery` for each guest, waits for all of them, and returns the results
  /// by number. A guest that ends meanwhile is left out. `on_event` of `options` hears of all
  /// guests in turn. Errors: `hypervisor_error`. An error of one domain is in the result of that
  /// domain.
  [[nodiscard]] Result<std::vector<DomainRecovery>> recover(
      const ResizeOptions& options = {}) const;

 private:
  std::shared_ptr<HostState> state_;
};

}  // namespace memctl
