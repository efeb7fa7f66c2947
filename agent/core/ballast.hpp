// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "memctl/units.hpp"

namespace memctl::agent {

/// Memory that the agent holds for the guest's worst moment. Describing a block takes memory before
/// the block brings any, and meanwhile the guest's processes go on needing some: in a guest of 160
/// MiB with 5 MiB left, one that forks now and then was killed (measured, Linux 6.1: the kernel
/// raises its watermarks by 2 MiB a zone just then). What is lent here is there at that moment.
class Ballast {
 public:
  static constexpr Kib size{4096};
  /// It is taken only where the kernel's zones have so much free,
  static constexpr Kib plenty{32768};
  /// and lent at once to a guest that has less than this: even to answer takes a page or two.
  static constexpr Kib little{12288};

  Ballast(const Ballast&) = delete;
  Ballast& operator=(const Ballast&) = delete;
  virtual ~Ballast() = default;

  /// What `lend` would give.
  [[nodiscard]] Kib held() const { return held_ ? size : Kib{}; }
  /// Takes it, if it is not held and `free` is plenty. Where the system refuses, it is not held.
  void take(Kib free) {
    if (!held_ && free >= plenty) held_ = obtain();
  }
  /// Gives it to the guest's kernel, if it is held.
  void lend() {
    if (held_) give_back();
    held_ = false;
  }
  /// The same, where `free` is little.
  void lend_if_needed(Kib free) {
    if (free < little) lend();
  }

 protected:
  explicit Ballast(bool held = false) : held_{held} {}

 private:
  /// `size` of memory that nobody else can have; false: refused.
  [[nodiscard]] virtual bool obtain() = 0;
  virtual void give_back() = 0;

  bool held_;
};

}  // namespace memctl::agent
