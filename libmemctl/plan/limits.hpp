// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The rules that a request is held against, one function each. A rule returns nothing if it lets
// the request pass. Otherwise it returns the refusal: its cause, the reason as one clause without
// the domain's name, and as its hint what mends it: a command for dom0, or a short instruction. A
// hint that begins with "in the guest: " is for the guest. The plan makes a whole message of the
// reason, and the doctor makes a finding of it.
#pragma once

#include <optional>

#include "memctl/error.hpp"
#include "plan/input.hpp"

namespace memctl::plan {

using Refusal = std::optional<Error>;

/// No size is larger: no host has more memory.
inline constexpr Kib largest_size = 64_TiB;

// Whatever the size.
[[nodiscard]] Refusal refuse_state(const Input& input);
[[nodiscard]] Refusal refuse_toolstack(const Input& input);
[[nodiscard]] Refusal refuse_without_agent(const Input& input);
[[nodiscard]] Refusal refuse_populate_on_demand(const Input& input);
/// All of these, in this order.
[[nodiscard]] Refusal refuse_domain(const Input& input);

// A size to grow to. If a size is refused, so is every larger one.
[[nodiscard]] Refusal refuse_hotplug(const Input& input, Kib to);
[[nodiscard]] Refusal refuse_kernel_faults(const Input& input, Kib to);
[[nodiscard]] Refusal refuse_passthrough(const Input& input, Kib to);
[[nodiscard]] Refusal refuse_emulated_devices(const Input& input, Kib to);
/// All rules of growth.
[[nodiscard]] Refusal refuse_growth(const Input& input, Kib to);

/// A guest whose blocks are larger than a section adds memory in whole blocks only. Not monotonic.
[[nodiscard]] Refusal refuse_block_size(const Input& input, Kib to);
/// What such a guest counts its blocks from: up to here it needs no block.
[[nodiscard]] Kib described_size(const Input& input);
/// The largest size up to `to` that is a whole number of blocks.
[[nodiscard]] Kib whole_blocks(const Input& input, Kib to);

/// The size that the domain has: its pool may have to be raised for it.
[[nodiscard]] Refusal refuse_present(const Input& input);
/// A size to shrink to. If a size is refused, so is every smaller one.
[[nodiscard]] Refusal refuse_shrink(const Input& input, Kib to);

// Any size, growing or shrinking.
/// The stored configuration fixes the pool below what `to` needs.
[[nodiscard]] Refusal refuse_frozen_pool(const Input& input, Kib to);
/// Xen does not tell how large the pool is.
[[nodiscard]] Refusal refuse_unknown_pool(const Input& input, Kib to);

/// The pool that the domain needs for a limit; nothing: it has no pool.
[[nodiscard]] std::optional<Kib> pool_needed(const DomainFacts& domain, Kib limit);
/// Host memory that the pool has to grow by; zero without a pool.
[[nodiscard]] Kib pool_growth(const DomainFacts& domain, Kib limit);

/// The host memory that a resize to `to` takes: its pages, and the growth of its pool.
struct HostNeed {
  Kib memory{};
  Kib pool{};
  [[nodiscard]] Kib all() const { return memory + pool; }
};
[[nodiscard]] HostNeed host_need(const Input& input, Kib to);
/// The host memory that can be given: free, not claimed, and beyond the reserve.
[[nodiscard]] Kib host_spare(const Input& input);

}  // namespace memctl::plan
