// SPDX-License-Identifier: LGPL-2.1-or-later
//
// NUMA nodes, by libxenctrl: libxl does not tell how much of a node's free memory is low.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/facts.hpp"
#include "host/xen/control.hpp"

namespace memctl::host::xen {

/// How many bits the addresses have that Xen keeps for devices: it gives domains memory below 2^n
/// last. Xen takes the value from its command line, or from the first node's size on a host with
/// several nodes (end_boot_allocator in Xen's common/page_alloc.c, arch_get_dma_bitsize in its NUMA
/// code). The first node is taken to begin at address zero. Zero: Xen keeps none.
[[nodiscard]] int low_memory_bits(std::string_view command_line, std::uint64_t first_node_bytes);

/// The nodes of a host that has several. Empty: Xen does not tell.
[[nodiscard]] std::vector<HostNode> numa_nodes(Control& control);

/// The nodes of a domain's node affinity. Nothing: the host has one node, or Xen does not tell.
/// Errors: `no_such_domain`.
[[nodiscard]] Result<std::optional<std::vector<int>>> node_affinity(Control& control,
                                                                    DomainId domain);

}  // namespace memctl::host::xen
