// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/sim/numa_model.hpp"

#include <algorithm>
#include <numeric>

namespace memctl::host::sim {
namespace {

/// Moves pages from the parts of a group, in equal portions as far as each part has them. Returns
/// what is still to be moved.
Pages move_evenly(Holding& from, Holding& to, std::vector<std::size_t> group, Pages pages) {
  // From the smallest part on: what it lacks, the others share.
  std::ranges::sort(group, {}, [&](std::size_t part) { return from[part]; });
  auto left = static_cast<std::int64_t>(group.size());
  for (const std::size_t part : group) {
    const Pages portion{(pages.count() + left - 1) / left};
    const Pages moved = std::min(portion, from[part]);
    from[part] -= moved;
    to[part] += moved;
    pages -= moved;
    --left;
  }
  return pages;
}

}  // namespace

NumaModel::NumaModel(int nodes, Pages memory) : nodes_{nodes} {
  if (nodes_ <= 1) return;
  for (int node = 0; node < nodes_; ++node) {
    // The first node has what the division leaves.
    const std::int64_t each = memory.count() / nodes_;
    const std::int64_t mine = node == 0 ? memory.count() - each * (nodes_ - 1) : each;
    const std::int64_t low = node == 0 ? mine / 4 : 0;
    total_.push_back(Pages{low});
    total_.push_back(Pages{mine - low});
  }
  free_ = total_;
}

std::size_t NumaModel::part(int node, bool low) const {
  return static_cast<std::size_t>(node) * 2 + (low ? 0 : 1);
}

Pages NumaModel::total(int node) const {
  return total_[part(node, true)] + total_[part(node, false)];
}
Pages NumaModel::low(int node) const { return free_[part(node, true)]; }
Pages NumaModel::free(int node) const { return low(node) + free_[part(node, false)]; }
Pages NumaModel::free() const { return std::accumulate(free_.begin(), free_.end(), Pages{}); }

std::vector<std::vector<std::size_t>> NumaModel::groups(const std::vector<int>& own) const {
  std::vector<std::vector<std::size_t>> groups(4);
  for (int node = 0; node < nodes_; ++node) {
    const bool mine = own.empty() || std::ranges::find(own, node) != own.end();
    groups[mine ? 0 : 1].push_back(part(node, false));
    groups[mine ? 2 : 3].push_back(part(node, true));
  }
  return groups;
}

void NumaModel::take(Holding& holding, const std::vector<int>& own, Pages pages) {
  if (nodes_ <= 1) return;
  holding.resize(free_.size());
  for (auto& group : groups(own)) pages = move_evenly(free_, holding, std::move(group), pages);
}

void NumaModel::give(Holding& holding, const std::vector<int>& own, Pages pages) {
  if (nodes_ <= 1) return;
  holding.resize(free_.size());
  auto order = groups(own);
  std::ranges::reverse(order);
  for (auto& group : order) pages = move_evenly(holding, free_, std::move(group), pages);
}

}  // namespace memctl::host::sim
