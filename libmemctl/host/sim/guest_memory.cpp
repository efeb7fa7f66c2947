// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/sim/guest_memory.hpp"

#include <algorithm>
#include <cmath>

#include "agent/core/ballast.hpp"

namespace memctl::host::sim {
namespace {

/// The memory that MemTotal does not include: the kernel's own image and the page descriptors. A
/// guest of 160 MiB has a MemTotal of 109 MiB (measured). A page has 64 bytes of descriptors, and
/// 32 on 32 bits.
Kib reserved(Kib booted, bool has_32_bits) {
  return 48_MiB + 512_KiB + booted / (has_32_bits ? 128 : 64);
}

/// The memory of `booted` that the kernel can use for itself.
Kib low_of(Kib booted, bool has_32_bits) {
  return has_32_bits ? std::min(booted, GuestMemory::most_low_memory) : booted;
}

/// What is free at least, however small the guest is.
constexpr Kib least_free = 2_MiB;

}  // namespace

Kib GuestMemory::usually_free(Kib booted, bool has_32_bits) {
  const Kib used = reserved(booted, has_32_bits) + 26_MiB;
  return std::max(low_of(booted, has_32_bits) - used, least_free);
}

GuestMemory::GuestMemory(Kib booted, Kib kernel_free, Kib reclaimable, bool has_32_bits)
    : kernel_{.total = std::max(low_of(booted, has_32_bits) - reserved(booted, has_32_bits),
                                least_free + agent::Ballast::size)} {
  high_.total = booted - low_of(booted, has_32_bits);
  locked_high_ = std::min(high_.total, agent::Ballast::size);
  high_.free = high_.total - locked_high_;
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
  return std::max(kernel_.free + reclaimable_ + high_.free + movable_.free - reserve, Kib{});
}

Kib GuestMemory::needed() const {
  const Kib living = hog() > Kib{} ? 1_MiB : Kib{};
  return watermark() + living;
}

void GuestMemory::lock(Kib amount) {
  if (amount > Kib{}) {
    const Kib high = std::min(amount, high_.free);
    high_.free -= high;
    locked_high_ += high;
    return use(amount - high);
  }
  const Kib high = std::min(-amount, locked_high_);
  locked_high_ -= high;
  high_.free += high;
  const Kib in_use = kernel_.total - kernel_.free - reclaimable_ - hog_kernel_;
  kernel_.free += std::min(-amount - high, in_use);
}

void GuestMemory::grow(Kib amount, ZoneName name) {
  Zone& zone = name == ZoneName::movable ? movable_ : name == ZoneName::high ? high_ : kernel_;
  zone.total += amount;
  zone.free += amount;
}

Kib GuestMemory::shrink_high(Kib amount) {
  const Kib taken = round_down(std::min(amount, high_.free), kib_per_page);
  high_.free -= taken;
  high_.total -= taken;
  return taken;
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
    const Kib from_high = std::min(-amount - from_kernel, hog_high_);
    const Kib from_movable = std::min(-amount - from_kernel - from_high, hog_movable_);
    hog_kernel_ -= from_kernel;
    kernel_.free += from_kernel;
    hog_high_ -= from_high;
    high_.free += from_high;
    hog_movable_ -= from_movable;
    movable_.free += from_movable;
    return;
  }
  const Kib from_movable = std::min(amount, movable_.free);
  movable_.free -= from_movable;
  hog_movable_ += from_movable;
  const Kib from_high = std::min(amount - from_movable, high_.free);
  high_.free -= from_high;
  hog_high_ += from_high;
  hog_kernel_ += take(amount - from_movable - from_high);
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
