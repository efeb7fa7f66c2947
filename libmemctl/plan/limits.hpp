// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The rules for a request, one function each. A rule returns nothing if it lets the request pass.
// Otherwise it returns the refusal: the cause, the reason as one clause without the domain's name,
// and a hint. The hint is a command for dom0 or a short instruction; a hint that begins with "in
// the guest: " is for the guest. The plan turns the reason into a message, and the doctor turns it
// into a finding.
#pragma once

#include <optional>

#include "memctl/error.hpp"
#include "plan/input.hpp"

namespace memctl::plan {

using Refusal = std::optional<Error>;

/// The largest size, because no host has more memory.
inline constexpr Kib largest_size = 64_TiB;

// Rules for any request.
/// Refuses a stub domain, which runs the device model of a guest and has no balloon.
[[nodiscard]] Refusal refuse_device_model(const Input& input);
/// Refuses if an operation that lives holds the domain, or if nobody can tell. A record of a dead
/// process is no obstacle, because a resize first recovers the domain.
[[nodiscard]] Refusal refuse_held(const Input& input);
[[nodiscard]] Refusal refuse_save(const Input& input);
[[nodiscard]] Refusal refuse_state(const Input& input);
[[nodiscard]] Refusal refuse_toolstack(const Input& input);
/// Refuses a pv guest in Xen's shim (`pvshim=1` in xl.cfg).
[[nodiscard]] Refusal refuse_shim(const Input& input);
[[nodiscard]] Refusal refuse_without_agent(const Input& input);
[[nodiscard]] Refusal refuse_populate_on_demand(const Input& input);
/// The eight rules above, in this order.
[[nodiscard]] Refusal refuse_domain(const Input& input);

// Rules for a size to grow to. If a rule refuses a size, it refuses every larger size.
[[nodiscard]] Refusal refuse_hotplug(const Input& input, Kib to);
/// Refuses if the guest's kernel has no addresses for so much memory, or no host does.
[[nodiscard]] Refusal refuse_address(const Input& input, Kib to);
[[nodiscard]] Refusal refuse_kernel_faults(const Input& input, Kib to);
/// Refuses if more than three times what the guest's kernel can use would be movable.
[[nodiscard]] Refusal refuse_movable(const Input& input, Kib to);
/// With a PCI device, memory may come back up to the boot limit, and only into the pages that the
/// balloon holds.
[[nodiscard]] Refusal refuse_passthrough(const Input& input, Kib to);
[[nodiscard]] Refusal refuse_emulated_devices(const Input& input, Kib to);
/// All rules for growth.
[[nodiscard]] Refusal refuse_growth(const Input& input, Kib to);

/// A guest whose blocks are larger than a section adds memory in whole blocks only. This rule may
/// refuse a size and grant a larger size.
[[nodiscard]] Refusal refuse_block_size(const Input& input, Kib to);
/// The size up to which the guest needs no new block. Above it, whole blocks are counted from here.
[[nodiscard]] Kib described_size(const Input& input);
/// The largest size up to `to` that is a whole number of blocks.
[[nodiscard]] Kib whole_blocks(const Input& input, Kib to);

/// Rules for the present size. The pool may have to grow for it.
[[nodiscard]] Refusal refuse_present(const Input& input);
/// Rules for a size to shrink to. If they refuse a size, they refuse every smaller size.
[[nodiscard]] Refusal refuse_shrink(const Input& input, Kib to);

/// Refuses to restore a size that the domain has given up in this operation, if a PCI device bars
/// that. The pages are the balloon's, whatever the guest reports.
[[nodiscard]] Refusal refuse_return(const Input& input, Kib to);

// Rules for any size.
/// Refuses if the stored configuration fixes the pool below what `to` needs, and memctl may not
/// raise it there. A domain of libvirt is refused past libvirt's own maximum.
[[nodiscard]] Refusal refuse_frozen_pool(const Input& input, Kib to);
/// Refuses if Xen does not tell how large the pool is.
[[nodiscard]] Refusal refuse_unknown_pool(const Input& input, Kib to);

/// The pool that the domain needs for a limit. Nothing: the domain has no pool.
[[nodiscard]] std::optional<Kib> pool_needed(const DomainFacts& domain, Kib limit);
/// The host memory that the pool has to grow by. Zero if the domain has no pool.
[[nodiscard]] Kib pool_growth(const DomainFacts& domain, Kib limit);

/// The pool that the stored configuration has to fix for a limit, so that the domain can be
/// restored and rebooted. Nothing: it fixes none, or one that is large enough.
[[nodiscard]] std::optional<Kib> frozen_pool_needed(const DomainFacts& domain, Kib limit);
/// Whether memctl may change libxl's stored configuration on this release of Xen.
[[nodiscard]] bool raises_frozen_pools(const HostFacts& host);

/// The host memory that Xen takes at most to map `growth` for the PCI devices of a domain: a table
/// of a page for every 2 MiB, and 1 MiB for the tables above these. Nobody can claim it. Zero if
/// the domain has no such device.
[[nodiscard]] Kib iommu_tables(const DomainFacts& domain, Kib growth);

/// The host memory that a resize to `to` takes: pages for the domain, growth of its pool, and
/// tables of the IOMMU.
struct HostNeed {
  Kib memory{};
  Kib pool{};
  Kib tables{};
  [[nodiscard]] Kib all() const { return memory + pool + tables; }
};
[[nodiscard]] HostNeed host_need(const Input& input, Kib to);
/// The host memory that can be given: free, not claimed, and above the reserve.
[[nodiscard]] Kib host_spare(const Input& input);

}  // namespace memctl::plan
