// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <utility>

namespace memctl::host {

using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

/// What one coroutine sleeps on: several sources (watches, a cancel) can rouse it. A call of
/// `notify` while nobody waits is kept, and ends the next wait at once. Belongs to one executor;
/// not thread-safe.
class Wakeup {
 public:
  Wakeup() = default;
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;

  void notify() {
    pending_ = true;
    if (rouse_) rouse_();
  }
  /// Whether it was notified since the last call.
  [[nodiscard]] bool take() { return std::exchange(pending_, false); }
  [[nodiscard]] bool pending() const { return pending_; }

  /// For clocks: called by `notify` during a wait; empty: nobody waits.
  void on_notify(std::function<void()> rouse) { rouse_ = std::move(rouse); }

 private:
  bool pending_{false};
  std::function<void()> rouse_;
};

/// Time as a host knows it: real, or simulated.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual TimePoint now() const = 0;
  /// Ends when `wakeup` is notified, or at `until`, whichever is first; takes the notification.
  /// One waiter per `wakeup` at a time.
  [[nodiscard]] virtual boost::asio::awaitable<void> wait(Wakeup& wakeup, TimePoint until) = 0;
};

}  // namespace memctl::host
