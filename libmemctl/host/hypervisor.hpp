// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <vector>

#include "base/facts.hpp"
#include "host/task.hpp"
#include "memctl/units.hpp"

namespace memctl::host {

/// What an operation may ask of Xen and of the toolstack below it. Sizes are what `xl` means by
/// them: video RAM included; this interface is the one place that knows xenstore's other meaning.
///
/// A call that returns a `Task` may wait for libxl's lock of the domain, which another toolstack
/// can hold for seconds: it waits without blocking the executor. The others are one hypercall.
/// Errors of every call: `no_such_domain` where the domain is gone, `hypervisor_error` with the raw
/// code and libxl's log lines, `not_permitted`; `invalid_size` of those that take a size, where it
/// is none or negative; `xen_unsupported` of those that wait for libxl, where that has no stored
/// configuration of the domain. Belongs to its host's executor; not thread-safe.
class Hypervisor {
 public:
  virtual ~Hypervisor() = default;

  [[nodiscard]] virtual Result<HostFacts> host_facts() = 0;
  /// Also reads the host's configuration files.
  [[nodiscard]] virtual Result<HostSettings> host_settings() = 0;
  /// All guests (never dom0), by number.
  [[nodiscard]] virtual Task<std::vector<DomainIdentity>> domains() = 0;
  [[nodiscard]] virtual Task<DomainFacts> domain_facts(DomainId domain) = 0;
  [[nodiscard]] virtual Result<DomainMemory> domain_memory(DomainId domain) = 0;

  /// static-max becomes `limit`, and max_pages `limit` + 1 MiB (libxl_domain_setmaxmem).
  /// `limit` below the target is an error of libxl's.
  [[nodiscard]] virtual Task<void> set_limit(DomainId domain, Kib limit) = 0;
  /// The target becomes `size` - video RAM, and max_pages `size` + 1 MiB (libxl_set_memory_target
  /// with `enforce`). A size above static-max is an error of libxl's.
  [[nodiscard]] virtual Task<void> set_size(DomainId domain, Kib size) = 0;
  /// max_pages alone becomes `size` (xc_domain_setmaxmem): libxl sets it together with others only.
  [[nodiscard]] virtual Result<void> set_max_pages(DomainId domain, Kib size) = 0;
  /// Claims host memory up to a total of `total` pages (XENMEM_claim_pages): above the domain's
  /// present pages and at most its max_pages. `host_memory` where the host has not that much.
  [[nodiscard]] virtual Result<void> claim(DomainId domain, Pages total) = 0;
  [[nodiscard]] virtual Result<void> release_claim(DomainId domain) = 0;
  /// Resizes the HAP or shadow pool; pvh and hvm only. `pool` where Xen has no memory for
  /// it, or more of it is in use; the pool is then what it was.
  [[nodiscard]] virtual Result<void> set_pool(DomainId domain, Kib pool) = 0;
  /// Whether the domain is being saved or migrated right now, as far as that can be seen.
  [[nodiscard]] virtual Result<bool> save_in_progress(DomainId domain) = 0;
};

}  // namespace memctl::host
