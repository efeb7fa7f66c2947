// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "memctl/units.hpp"

namespace memctl::agent {

/// Memory that the agent holds for the guest's worst moment. Describing a block takes memory before
/// the block brings any, and meanwhile the guest's processes still need some. In a guest of 160 MiB
/// with 5 MiB left, a process that forks now and then was killed (measured, Linux 6.1: the kernel
/// raises its watermarks by 2 MiB a zone just then). The agent lends the ballast at that moment.
class Ballast {
 public:
  static constexpr Kib size{4096};
  /// The agent takes the ballast only if the kernel's zones have this much free.
  static constexpr Kib plenty{32768};
  /// If the guest has less free memory than this, the agent lends the ballast at once, because even
  /// an answer takes a page or two.
  static constexpr Kib little{12288};

  Ballast(const Ballast&) = delete;
  Ballast& operator=(const Ballast&) = delete;
  virtual ~Ballast() = default;

  /// The memory that `lend` would give.
  [[nodiscard]] Kib held() const { return held_ ? size : Kib{}; }
  /// Takes the ballast if it is not held and `free` is plenty. The system may refuse.
  void take(Kib free) {
    if (!held_ && free >= plenty) held_ = obtain();
  }
  /// Gives the ballast to the guest's kernel, if it is held.
  void lend() {
    if (held_) give_back();
    held_ = false;
  }
  /// Calls `lend` if `free` is little.
  void lend_if_needed(Kib free) {
    if (free < little) lend();
  }

 protected:
  explicit Ballast(bool held = false) : held_{held} {}

 private:
  /// Takes `size` of memory and keeps it from other processes. False: the system refused.
  [[nodiscard]] virtual bool obtain() = 0;
  virtual void give_back() = 0;

  bool held_;
};

}  // namespace memctl::agent
