// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <vector>

#include "memctl/units.hpp"

namespace memctl {

/// Where the memory of a growth may lie on a host with several NUMA nodes.
enum class Numa {
  any,  ///< On any node.
  /// A growth is refused with `host_memory` if its forecast says that some of its memory would not
  /// lie on the domain's own nodes. A growth that is granted may still
  /// get other memory: Xen can only claim memory of the whole host, so others may take the nodes'
  /// memory while the domain grows.
  local,
};

/// Where the memory of a growth would lie, if nothing else happens on the host but what is claimed
/// already.
struct NumaForecast {
  /// The domain's own nodes, from which Xen takes its memory as long as they have some: its node
  /// affinity, as "xl list -n" shows it. Empty: not known.
  std::vector<int> nodes{};
  /// The part of the growth that would lie on them. Nothing: not known.
  std::optional<Kib> local{};
  friend bool operator==(const NumaForecast&, const NumaForecast&) = default;
};

/// How the free memory of one node changed.
struct NodeChange {
  int node{};
  Kib free{};  ///< Negative: less is free than before.
  friend bool operator==(const NodeChange&, const NodeChange&) = default;
};

/// How the free memory of the host's nodes changed while an operation ran. Xen does not tell on
/// which nodes a domain's memory lies, so this is an estimate: whatever else took or freed memory
/// meanwhile is in it.
struct NumaEstimate {
  std::vector<int> nodes{};  ///< The domain's own nodes. Empty: not known.
  std::vector<NodeChange> changes{};
  /// The part of the growth that seems to lie on the domain's own nodes. Nothing: the domain did
  /// not grow, or it is not known.
  std::optional<Kib> local{};
  friend bool operator==(const NumaEstimate&, const NumaEstimate&) = default;
};

}  // namespace memctl
