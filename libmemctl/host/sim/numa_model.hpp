// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <vector>

#include "memctl/units.hpp"

namespace memctl::host::sim {

/// On which NUMA node the pages of a holder lie: a count for each part of the host's memory.
using Holding = std::vector<Pages>;

/// The host's memory by NUMA node. All nodes have the same size. As Xen does on such a host, the
/// first node keeps a quarter of its memory for devices ("low"), and gives it last. On a host with
/// one node nothing is counted here.
class NumaModel {
 public:
  NumaModel(int nodes, Pages memory);

  [[nodiscard]] int nodes() const { return nodes_; }
  [[nodiscard]] Pages total(int node) const;
  [[nodiscard]] Pages free(int node) const;  ///< With `low`.
  [[nodiscard]] Pages low(int node) const;
  [[nodiscard]] Pages free() const;

  /// Takes free pages: from the nodes `own` in equal parts as long as they have some, then from the
  /// other nodes, then from the low memory. No nodes stand for all.
  void take(Holding& holding, const std::vector<int>& own, Pages pages);
  /// Gives pages back: first those that the holder would have taken last.
  void give(Holding& holding, const std::vector<int>& own, Pages pages);

 private:
  /// A part is the low memory of a node, or the rest.
  [[nodiscard]] std::size_t part(int node, bool low) const;
  /// The parts in four groups, in the order in which Xen turns to them.
  [[nodiscard]] std::vector<std::vector<std::size_t>> groups(const std::vector<int>& own) const;

  int nodes_;
  Holding total_;
  Holding free_;
};

}  // namespace memctl::host::sim
