// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "memctl/doctor.hpp"
#include "memctl/domain.hpp"
#include "memctl/error.hpp"
#include "memctl/export.hpp"
#include "memctl/recovery.hpp"

namespace memctl {

/// A connection to one Xen host. Thread-safe. It runs one thread for its operations, and `xen:` up
/// to eight for libxl's blocking calls. Its end waits for the operations still under way, which
/// are cancelled, and for a call of libxl's that another tool's lock holds up: nothing interrupts
/// that but the end of the process.
class MEMCTL_EXPORT Host {
 public:
  explicit Host(std::shared_ptr<HostState> state);
  /// `uri`: "xen:" is the host that this runs on, as its dom0; "sim:" a simulated one.
  /// Errors: `no_xen`, `not_permitted`, `xen_unsupported` (another release of Xen),
  /// `invalid_argument` (no such kind of host, or a file that describes none).
  [[nodiscard]] static Result<Host> open(std::string_view uri);

  /// The domain of that name or number. dom0 is no guest and is not found here.
  /// Errors: `no_such_domain`, `hypervisor_error`.
  [[nodiscard]] Result<Domain> domain(std::string_view name_or_id) const;
  /// The domain that was listed or reported as this one. Asks nothing: where its life is over, its
  /// calls say so.
  [[nodiscard]] Domain domain(DomainIdentity identity) const;
  /// All guests, by number. Errors: `hypervisor_error`.
  [[nodiscard]] Result<std::vector<Domain>> domains() const;

  /// What is good and bad about the host itself, in the order of `Check`. `reserve`: what is to
  /// stay free on it. Blocks for some milliseconds. Errors: `hypervisor_error`.
  [[nodiscard]] Result<std::vector<Finding>> doctor(
      Kib reserve = ResizeOptions{}.host_reserve) const;

  /// `Domain::recover` of all guests, one after the other, by number; one that ends meanwhile is
  /// left out. Blocks for as long as they do together. Errors: `hypervisor_error`; what is wrong
  /// with one domain stands in its own result.
  [[nodiscard]] Result<std::vector<DomainRecovery>> recover(
      const ResizeOptions& options = {}) const;

 private:
  std::shared_ptr<HostState> state_;
};

}  // namespace memctl
