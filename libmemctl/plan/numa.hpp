// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Which part of a growth would lie on the domain's own NUMA nodes, and what became of it.
#pragma once

#include <optional>
#include <vector>

#include "memctl/numa.hpp"
#include "plan/input.hpp"
#include "plan/limits.hpp"

namespace memctl::plan {

/// Where the memory of a growth to `to` would lie. The forecast lets others take what is claimed
/// for them, and the host's whole reserve, from the domain's own nodes. So a growth by `local` or
/// less would be local as a whole. Nothing: the host has one node.
[[nodiscard]] std::optional<NumaForecast> numa_forecast(const Input& input, Kib to);

/// With `Numa::local`: refuses unless the whole growth would be local. If it refuses a size, it
/// refuses every larger size.
[[nodiscard]] Refusal refuse_remote_memory(const Input& input, Kib to);

/// How the free memory of the nodes changed between two looks at the host, and how much of `growth`
/// seems to lie on the domain's own nodes, if its paging pool grew there, too. Nothing: the host
/// has one node, or a look did not show the nodes.
[[nodiscard]] std::optional<NumaEstimate> numa_estimate(const std::vector<HostNode>& before,
                                                        const std::vector<HostNode>& after,
                                                        const DomainFacts& domain, Kib growth,
                                                        Kib pool_growth = {});

}  // namespace memctl::plan
