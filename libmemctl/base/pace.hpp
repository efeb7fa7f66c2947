// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <chrono>

namespace memctl {

/// Bounds how often something happens. What is rare happens at once. After `burst` times in a row
/// it may happen once in each `interval`.
class Pace {
 public:
  using Clock = std::chrono::steady_clock;

  Pace(Clock::duration interval, int burst) : interval_{interval}, burst_{burst} {}

  /// Whether it may happen now. If so, counts it.
  [[nodiscard]] bool take(Clock::time_point now) {
    if (now < next()) return false;
    used_until_ = std::max(used_until_, now) + interval_;
    return true;
  }
  /// From when on it may happen again. A time in the past: now.
  [[nodiscard]] Clock::time_point next() const { return used_until_ - interval_ * (burst_ - 1); }

 private:
  Clock::duration interval_;
  int burst_;
  Clock::time_point used_until_{};  ///< What has happened took its intervals up to here.
};

}  // namespace memctl
