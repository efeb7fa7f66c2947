// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/sim/guest_memory.hpp"

#include <algorithm>
#include <cmath>

#include "agent/core/ballast.hpp"

namespace memctl::host::sim {
namespace {

/// The memory that MemTotal does not include: the kernel's own image and the page descriptors. A
/// guest of 160 MiB has a MemTotal of 109 MiB (measured).
Kib reserved(Kib booted) { return 48_MiB + 512_KiB + booted / 64; }

/// What is free at least, however small the guest is.
constexpr Kib least_free = 2_MiB;

}  // namespace

Kib GuestMemory::usually_free(Kib booted) {
  const Kib used = reserved(booted) + 26_MiB;
  return std::max(booted - used, least_free);
}

GuestMemory::GuestMemory(Kib booted, Kib kernel_free, Kib reclaimable)
    : kernel_{.total = std::max(booted - reserved(booted), least_free + agent::Ballast::size)} {
  const Kib left = kernel_.total - agent::Ballast::size;
  reclaimable_ = std::clamp(reclaimable, Kib{}, left);
  kernel_.free = std::clamp(kernel_free, Kib{}, left - reclaimable_);
}

Kib GuestMemory::watermark() const {
  const double kib = std::sqrt(static_cast<double>(kernel_.total.count()) * 16.0);
  return std::clamp(Kib{static_cast<std::int64_t>(kib)}, 128_KiB, 64_MiB);
}

Kib GuestMemory::available() const {
  const Kib reserve = watermark() * 3 / 2;
  return std::max(kernel_.free + reclaimable_ + movable_.free - reserve, Kib{});
}

Kib GuestMemory::needed() const {
  const Kib living = hog() > Kib{} ? 1_MiB : Kib{};
  return watermark() + living;
}

void GuestMemory::lock(Kib amount) {
  if (amount > Kib{}) return use(amount);
  const Kib in_use = kernel_.total - kernel_.free - reclaimable_ - hog_kernel_;
  kernel_.free += std::min(-amount, in_use);
}

void GuestMemory::grow(Kib amount, bool movable) {
  Zone& zone = movable ? movable_ : kernel_;
  zone.total += amount;
  zone.free += amount;
}

Kib GuestMemory::take(Kib amount) {
  const Kib free = std::min(amount, kernel_.free);
  const Kib reclaimed = std::min(amount - free, reclaimable_);
  kernel_.free -= free;
  reclaimable_ -= reclaimed;
  return free + reclaimed;
}

Kib GuestMemory::shrink(Kib amount) {
  const Kib taken = take(round_down(std::min(amount, kernel_.free + reclaimable_), kib_per_page));
  kernel_.total -= taken;
  return taken;
}

int GuestMemory::describe(int count, Kib each) {
  const Kib there = kernel_.free + reclaimable_;
  const int fitting = static_cast<int>(std::min<std::int64_t>(count, there / each));
  use(each * fitting);
  return fitting;
}

void GuestMemory::hold(Kib amount) {
  if (amount < Kib{}) {
    const Kib from_kernel = std::min(-amount, hog_kernel_);
    const Kib from_movable = std::min(-amount - from_kernel, hog_movable_);
    hog_kernel_ -= from_kernel;
    kernel_.free += from_kernel;
    hog_movable_ -= from_movable;
    movable_.free += from_movable;
    return;
  }
  const Kib from_movable = std::min(amount, movable_.free);
  movable_.free -= from_movable;
  hog_movable_ += from_movable;
  hog_kernel_ += take(amount - from_movable);
}

void GuestMemory::cache(Kib amount) {
  const Kib cached = std::min(amount, kernel_.free);
  kernel_.free -= cached;
  reclaimable_ += cached;
}

void GuestMemory::reclaim() {
  const Kib freed = std::clamp(needed() - kernel_.free, Kib{}, reclaimable_);
  reclaimable_ -= freed;
  kernel_.free += freed;
}

bool GuestMemory::kill_hog() {
  if (hog() == Kib{}) return false;
  hold(-hog());
  ++oom_kills_;
  return true;
}

}  // namespace memctl::host::sim
