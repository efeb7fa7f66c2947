// SPDX-License-Identifier: LGPL-2.1-or-later
#include "resize/headway.hpp"

#include <algorithm>

namespace memctl::resize {
namespace {

using std::chrono::milliseconds;

constexpr int share = 64;
constexpr Kib enough_per_minute = 1_GiB;
constexpr milliseconds minute = std::chrono::minutes{1};
/// So that no sum of times overflows.
constexpr milliseconds longest_stall = std::chrono::hours{24 * 366};

std::int64_t blocks_online(const plan::Input& facts) {
  return facts.guest ? facts.guest->report.blocks_online : 0;
}

Kib block_size(const plan::Input& facts) {
  return facts.guest ? facts.guest->hello.block_size : Kib{};
}

}  // namespace

Kib least_progress(Kib way, milliseconds stall) {
  const Kib enough = enough_per_minute * stall.count() / minute.count();
  return std::max(kib_per_page, std::min(way / share, enough));
}

milliseconds longest_time(Kib way, milliseconds stall) {
  const milliseconds at_least = std::min(stall, longest_stall) * share;
  return std::max(at_least, minute * way.count() / enough_per_minute.count());
}

Headway::Layer::Layer(Kib way, milliseconds stall)
    : least_{least_progress(way, stall)}, left_{way}, counted_{way} {}

bool Headway::Layer::comes_nearer(Kib left) {
  if (left >= left_) return false;
  left_ = left;
  return true;
}

bool Headway::Layer::keeps_pace() {
  if (counted_ - left_ < least_) return false;
  counted_ = left_;
  return true;
}

Headway::Headway(const plan::Input& facts, const Stage& stage, Pages missing, milliseconds stall,
                 host::TimePoint now)
    : stall_{stall},
      blocks_to_be_online_{blocks_online(facts) + stage.blocks},
      pages_{to_kib(missing), stall},
      blocks_{blocks_left(facts), stall},
      moved_at_{now},
      kept_pace_at_{now} {}

Kib Headway::blocks_left(const plan::Input& facts) const {
  return block_size(facts) * std::max<std::int64_t>(0, blocks_to_be_online_ - blocks_online(facts));
}

void Headway::note(const plan::Input& facts, Pages missing, host::TimePoint now) {
  const bool pages_moved = pages_.comes_nearer(to_kib(missing));
  const bool blocks_moved = blocks_.comes_nearer(blocks_left(facts));
  if (pages_moved || blocks_moved) moved_at_ = now;
  const bool pages_enough = pages_.keeps_pace();
  const bool blocks_enough = blocks_.keeps_pace();
  if (pages_enough || blocks_enough) kept_pace_at_ = now;
}

bool Headway::is_too_slow(host::TimePoint now) const { return now - kept_pace_at_ >= stall_; }

Kib Headway::recent() const { return std::max(pages_.recent(), blocks_.recent()); }

}  // namespace memctl::resize
