// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>

#include "memctl/units.hpp"

namespace memctl::host::sim {

/// How a small Linux guest uses its memory. It models only what ballooning and describing new
/// memory need: both take memory from the zones from which a real guest takes it. The figures at
/// boot are those of the measured guests: of 160 MiB, 83 MiB are free.
class GuestMemory {
 public:
  /// `kernel_free` is what is free in the kernel's zones after the boot, beside `reclaimable` and
  /// the agent's ballast. What does not fit into MemTotal is not there: the cache comes before what
  /// is free.
  GuestMemory() = default;
  GuestMemory(Kib booted, Kib kernel_free, Kib reclaimable, bool has_32_bits = false);
  [[nodiscard]] static Kib usually_free(Kib booted, bool has_32_bits = false);
  /// The most that a kernel of 32 bits can use for itself. The rest is high memory.
  static constexpr Kib most_low_memory = 896_MiB;

  /// MemTotal and MemAvailable. As in Linux, MemAvailable counts the movable zone. MemTotal is
  /// never below MemAvailable, and that is never below zero.
  [[nodiscard]] Kib total() const { return kernel_.total + high_.total + movable_.total; }
  [[nodiscard]] Kib available() const;
  [[nodiscard]] Kib kernel_free() const { return kernel_.free; }
  [[nodiscard]] Kib reclaimable() const { return reclaimable_; }
  /// Nothing: there is no high memory.
  [[nodiscard]] std::optional<Kib> high_free() const {
    return high_.total > Kib{} ? std::optional{high_.free} : std::nullopt;
  }
  [[nodiscard]] Kib movable_free() const { return movable_.free; }
  [[nodiscard]] Kib movable_total() const { return movable_.total; }
  [[nodiscard]] Kib hog() const { return hog_kernel_ + hog_high_ + hog_movable_; }
  [[nodiscard]] int oom_kills() const { return oom_kills_; }

  enum class ZoneName { kernel, high, movable };
  /// Adds populated pages to a zone.
  void grow(Kib amount, ZoneName zone);
  /// Takes up to `amount` of high memory for the balloon. Returns what it took.
  [[nodiscard]] Kib shrink_high(Kib amount);
  /// Takes up to `amount` from the kernel's zones for the balloon. Returns what it took.
  [[nodiscard]] Kib shrink(Kib amount);
  /// Takes memory for the page descriptors of up to `count` sections, `each` for one. Returns for
  /// how many there was room. If there was not room for all, their memory stays taken.
  [[nodiscard]] int describe(int count, Kib each);
  /// Takes up to `amount` for the kernel itself.
  void use(Kib amount) { static_cast<void>(take(amount)); }

  /// The agent locks up to `amount` for itself, high memory first, or gives back what it holds
  /// (negative).
  void lock(Kib amount);
  /// A process takes `amount` and keeps it, from the movable zone first and then from high memory,
  /// or frees it (negative).
  void hold(Kib amount);
  /// The reclaimable cache grows by `amount`.
  void cache(Kib amount);
  /// Frees as much of the cache as the kernel needs.
  void reclaim();

  /// Whether the kernel's own allocations fail.
  [[nodiscard]] bool starved() const { return kernel_.free < needed(); }
  /// The OOM killer ends the process of `hold`. False: there is no such process, and the kernel
  /// panics.
  [[nodiscard]] bool kill_hog();
  /// min_free_kbytes, as the kernel computes it.
  [[nodiscard]] Kib watermark() const;

 private:
  struct Zone {
    Kib total{};
    Kib free{};
  };
  /// The watermark, and what a living process takes now and then (measured with a process that
  /// forks).
  [[nodiscard]] Kib needed() const;
  [[nodiscard]] Kib take(Kib amount);

  Zone kernel_{};
  Zone high_{};
  Zone movable_{};
  Kib reclaimable_{};
  Kib hog_kernel_{};
  Kib hog_high_{};
  Kib locked_high_{};
  Kib hog_movable_{};
  int oom_kills_{0};
};

}  // namespace memctl::host::sim
