// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <utility>

namespace memctl::host {

using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

/// Wakes one coroutine. Several sources can notify it, such as watches and a cancel. If the
/// coroutine does not wait when `notify` is called, its next wait ends at once. Belongs to one
/// executor; not thread-safe.
class Wakeup {
 public:
  Wakeup() = default;
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;

  void notify() {
    pending_ = true;
    if (rouse_) rouse_();
  }
  /// Whether `notify` was called since the last `take`.
  [[nodiscard]] bool take() { return std::exchange(pending_, false); }
  [[nodiscard]] bool pending() const { return pending_; }

  /// For clocks: `notify` calls `rouse` during a wait. Empty: no coroutine waits.
  void on_notify(std::function<void()> rouse) { rouse_ = std::move(rouse); }

 private:
  bool pending_{false};
  std::function<void()> rouse_;
};

/// The time of a host, real or simulated.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual TimePoint now() const = 0;
  /// Waits until `wakeup` is notified, at most until `until`, and takes the notification. Only one
  /// coroutine may wait on a `wakeup`.
  [[nodiscard]] virtual boost::asio::awaitable<void> wait(Wakeup& wakeup, TimePoint until) = 0;
};

}  // namespace memctl::host
