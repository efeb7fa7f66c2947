// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/facts.hpp"
#include "host/clock.hpp"
#include "host/task.hpp"
#include "memctl/units.hpp"

namespace memctl::host {

/// What an operation may ask of Xen and of libxl. Sizes are counted as `xl` counts them, with video
/// RAM. xenstore's target excludes video RAM, and only the implementations of this interface know
/// that.
///
/// A call that returns a `Task` may wait for libxl's lock of the domain, which another tool can
/// hold for seconds. It waits without blocking the executor. The other calls are one hypercall
/// each.
///
/// Errors of every call: `no_such_domain`, `not_permitted`, and `hypervisor_error` with the raw
/// code and libxl's log lines. A call that takes a size returns `invalid_size` if the size is not
/// above zero. A call that waits for libxl returns `xen_unsupported` if libxl has no stored
/// configuration of the domain. Belongs to its host's executor; not thread-safe.
class Hypervisor {
 public:
  virtual ~Hypervisor() = default;

  [[nodiscard]] virtual Result<HostFacts> host_facts() = 0;
  /// Also reads the host's configuration files.
  [[nodiscard]] virtual Result<HostSettings> host_settings() = 0;
  /// All guests by number, without dom0.
  [[nodiscard]] virtual Task<std::vector<DomainIdentity>> domains() = 0;
  [[nodiscard]] virtual Task<DomainFacts> domain_facts(DomainId domain) = 0;
  /// The UUID of the domain that has this number now.
  [[nodiscard]] virtual Result<std::string> uuid(DomainId domain) = 0;
  [[nodiscard]] virtual Result<DomainMemory> domain_memory(DomainId domain) = 0;

  /// Sets the limit (xenstore's static-max) to `limit` and max_pages to `limit` + 1 MiB
  /// (libxl_domain_setmaxmem). libxl fails if `limit` is below the target.
  [[nodiscard]] virtual Task<void> set_limit(DomainId domain, Kib limit) = 0;
  /// Sets xenstore's target to `size` - video RAM and max_pages to `size` + 1 MiB
  /// (libxl_set_memory_target with `enforce`). libxl fails if `size` is above the limit.
  [[nodiscard]] virtual Task<void> set_size(DomainId domain, Kib size) = 0;
  /// Sets max_pages alone to `size` (xc_domain_setmaxmem). libxl cannot set it alone.
  [[nodiscard]] virtual Result<void> set_max_pages(DomainId domain, Kib size) = 0;
  /// Claims host memory so that the domain can have `total` pages (XENMEM_claim_pages). `total` is
  /// above the domain's page count and at most its max_pages. Errors: also `host_memory` if the
  /// host has too little.
  [[nodiscard]] virtual Result<void> claim(DomainId domain, Pages total) = 0;
  [[nodiscard]] virtual Result<void> release_claim(DomainId domain) = 0;
  /// Sets the size of the HAP or shadow pool of a pvh or hvm domain. Errors: also `paging_pool` if
  /// Xen has no memory for the pool, or if more of the pool is in use; the pool then keeps its
  /// size.
  [[nodiscard]] virtual Result<void> set_pool(DomainId domain, Kib pool) = 0;
  /// Sets the pool that libxl's stored configuration fixes for the domain's next restore or reboot,
  /// if that is `from` now; nothing stands for a pool that is not fixed. Reading, comparing and
  /// writing are one step under libxl's lock. Returns what is fixed then: if it is not `to`,
  /// another tool had set it, and nothing was written. Errors: also `xen_unsupported` if the domain
  /// is pv, and `stalled` if another tool keeps libxl's lock.
  [[nodiscard]] virtual Task<std::optional<Kib>> set_frozen_pool(DomainId domain,
                                                                 std::optional<Kib> from,
                                                                 std::optional<Kib> to) = 0;
  /// Whether the host shows that the domain is being saved or migrated. The answer may come from a
  /// look that another question caused, if that look is younger than `oldest`, and such an answer
  /// does not tell whether the domain still exists. Zero: from a look that begins now.
  [[nodiscard]] virtual Result<bool> save_in_progress(DomainId domain, Duration oldest) = 0;
};

/// Errors: `invalid_size` unless `size` is above zero. libxl itself accepts any number that its
/// integers can hold.
[[nodiscard]] inline Result<void> require_size(Kib size) {
  if (size > Kib{}) return success();
  return Error{.cause = Cause::invalid_size,
               .message = std::to_string(size.count()) + " KiB is no size for a domain"};
}

}  // namespace memctl::host
