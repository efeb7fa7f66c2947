// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Xen takes a domain's pages from the nodes of its node affinity in turn, then from all others, and
// only then from the low memory that it keeps for devices, again from the domain's nodes first
// (alloc_domheap_pages and get_free_buddy in Xen's common/page_alloc.c). The domain's paging pool
// is taken in the same way.
#include "plan/numa.hpp"

#include <algorithm>
#include <string>

#include "plan/words.hpp"

namespace memctl::plan {
namespace {

bool is_own(const DomainFacts& domain, int node) {
  return domain.node_affinity &&
         std::ranges::find(*domain.node_affinity, node) != domain.node_affinity->end();
}

/// Whether Xen takes the domain's pages from every node alike.
bool has_all_nodes(const Input& input) {
  const auto& nodes = input.host.nodes;
  return !nodes.empty() && std::ranges::all_of(nodes, [&](const HostNode& node) {
    return is_own(input.domain, node.node);
  });
}

/// The memory that the domain's own nodes can give before Xen turns to others.
std::optional<Kib> local_spare(const Input& input) {
  const HostFacts& host = input.host;
  if (host.nodes.empty() || !input.domain.node_affinity) return std::nullopt;
  Pages free;
  for (const HostNode& node : host.nodes) {
    if (is_own(input.domain, node.node)) free += node.free - node.low;
  }
  const Pages others = std::max(Pages{}, host.claimed - input.domain.memory.claim);
  return std::max(Kib{}, to_kib(free - others) - input.terms.host_reserve);
}

/// "its NUMA node 1", "its NUMA nodes 0, 2 and 3"
std::string nodes_text(const std::vector<int>& nodes) {
  std::string text = nodes.size() == 1 ? "its NUMA node " : "its NUMA nodes ";
  for (std::size_t each = 0; each < nodes.size(); ++each) {
    if (each > 0) text += each + 1 == nodes.size() ? " and " : ", ";
    text += std::to_string(nodes[each]);
  }
  return text;
}

}  // namespace

std::optional<NumaForecast> numa_forecast(const Input& input, Kib to) {
  if (input.host.numa_nodes <= 1) return std::nullopt;
  NumaForecast forecast{.nodes = input.domain.node_affinity.value_or(std::vector<int>{})};
  const Kib growth = std::max(Kib{}, to - present_size(input));
  const auto spare = local_spare(input);
  if (has_all_nodes(input)) {
    forecast.local = growth;
  } else if (spare) {
    const Kib remote = std::max(Kib{}, host_need(input, to).all() - *spare);
    forecast.local = round_down(std::max(Kib{}, growth - remote), kib_per_page);
    // A growth need not be whole pages, if another tool set the size that it begins from.
    if (remote == Kib{}) forecast.local = growth;
  }
  return forecast;
}

Refusal refuse_remote_memory(const Input& input, Kib to) {
  if (input.terms.numa == Numa::any) return {};
  const auto forecast = numa_forecast(input, to);
  if (!forecast) return {};
  Error refusal{.cause = Cause::host_memory,
                .hint =
                    "ask for less, or free memory on these nodes; xl info -n shows what is "
                    "free on each node, and xl list -n which nodes are the domain's"};
  if (!forecast->local) {
    refusal.message =
        "Xen does not tell which NUMA nodes are the domain's, or what is free on them";
    refusal.hint = "xl info -n and xl list -n show what Xen tells";
    return refusal;
  }
  if (to - present_size(input) <= *forecast->local) return {};
  refusal.message = nodes_text(forecast->nodes) +
                    (forecast->nodes.size() == 1 ? " has no more (" : " have no more (") +
                    at_most(*local_spare(input)) +
                    " free beyond the reserve and what is claimed for others)";
  return refusal;
}

std::optional<NumaEstimate> numa_estimate(const std::vector<HostNode>& before,
                                          const std::vector<HostNode>& after,
                                          const DomainFacts& domain, Kib growth, Kib pool_growth) {
  if (before.empty() || after.size() != before.size()) return std::nullopt;
  NumaEstimate estimate{.nodes = domain.node_affinity.value_or(std::vector<int>{})};
  Kib taken;
  for (std::size_t each = 0; each < after.size(); ++each) {
    const Kib change = to_kib(after[each].free - before[each].free);
    estimate.changes.push_back({.node = after[each].node, .free = change});
    if (is_own(domain, after[each].node)) taken -= change;
  }
  if (growth > Kib{} && domain.node_affinity) {
    // Nobody knows on which nodes the pool grew, so all of it is taken for near.
    estimate.local = std::clamp(taken - std::max(Kib{}, pool_growth), Kib{}, growth);
  }
  return estimate;
}

}  // namespace memctl::plan
