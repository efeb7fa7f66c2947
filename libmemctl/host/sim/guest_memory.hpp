// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "memctl/units.hpp"

namespace memctl::host::sim {

/// How the memory of a small Linux guest is used: just enough of it that what ballooning takes and
/// what describing new memory costs come from where they come from in a real one. The figures at
/// boot are those of the measured guests: of 160 MiB, 83 MiB are free.
class GuestMemory {
 public:
  /// `free`: what is free in the kernel's zones once booted; nothing: as measured.
  GuestMemory() = default;
  GuestMemory(Kib booted, Kib kernel_free, Kib reclaimable);
  [[nodiscard]] static Kib usually_free(Kib booted);

  /// MemTotal and MemAvailable. The second counts the movable zone, as Linux does.
  [[nodiscard]] Kib total() const { return kernel_.total + movable_.total; }
  [[nodiscard]] Kib available() const;
  [[nodiscard]] Kib kernel_free() const { return kernel_.free; }
  [[nodiscard]] Kib reclaimable() const { return reclaimable_; }
  [[nodiscard]] Kib movable_free() const { return movable_.free; }
  [[nodiscard]] Kib movable_total() const { return movable_.total; }
  [[nodiscard]] Kib hog() const { return hog_kernel_ + hog_movable_; }
  [[nodiscard]] int oom_kills() const { return oom_kills_; }

  /// Pages that were populated, and now belong to a zone.
  void grow(Kib amount, bool movable);
  /// Takes `amount` from the kernel's zones for the balloon; returns what there was.
  [[nodiscard]] Kib shrink(Kib amount);
  /// Takes `count` times `each` for page descriptors; returns how many of them there was room for.
  /// What was taken for them is not given back when the rest fails.
  [[nodiscard]] int describe(int count, Kib each);
  /// Takes what the kernel needs for itself, as far as there is any.
  void use(Kib amount) { static_cast<void>(take(amount)); }

  /// What the agent locks for itself, or gives back (negative).
  void lock(Kib amount);
  /// A process takes `amount` and keeps it, from the movable zone first; or lets it go (negative).
  void hold(Kib amount);
  /// A cache that can be given up grows by `amount`.
  void cache(Kib amount);
  /// Gives up as much of that cache as the kernel needs.
  void reclaim();

  /// The kernel's own allocations no longer succeed.
  [[nodiscard]] bool starved() const { return kernel_.free < needed(); }
  /// The OOM killer ends the process of `hold`, if there is one. False: there is none, and the
  /// kernel panics.
  [[nodiscard]] bool kill_hog();
  /// min_free_kbytes, as the kernel computes it.
  [[nodiscard]] Kib watermark() const;

 private:
  struct Zone {
    Kib total{};
    Kib free{};
  };
  /// The watermark; a process that lives takes some more now and then (measured: one that forks).
  [[nodiscard]] Kib needed() const;
  [[nodiscard]] Kib take(Kib amount);

  Zone kernel_{};
  Zone movable_{};
  Kib reclaimable_{};
  Kib hog_kernel_{};
  Kib hog_movable_{};
  int oom_kills_{0};
};

}  // namespace memctl::host::sim
