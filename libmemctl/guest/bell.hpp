// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <chrono>

#include "base/pace.hpp"
#include "host/clock.hpp"

namespace memctl::guest {

/// Tells an operation that its guest has written. A guest can write a thousand times a second, and
/// each look at it takes dom0's time. So a guest wakes its operation only about as often as a good
/// agent does. A change that did not wake it is seen when it next looks at the guest, which it also
/// does without being woken. Belongs to the host's executor.
class Bell {
 public:
  /// `clock` and `operation` must outlive this.
  Bell(host::Clock& clock, host::Wakeup& operation) : clock_{clock}, wakes_{&operation} {
    written_.on_notify([this] {
      if (pace_.take(clock_.now())) wakes_->notify();
    });
  }
  Bell(const Bell&) = delete;
  Bell& operator=(const Bell&) = delete;

  /// What the mailbox's watch notifies.
  [[nodiscard]] host::Wakeup& written() { return written_; }

  /// Waits until the guest has written, at most until `until`. Wakes the operation for nothing that
  /// the guest writes meanwhile.
  [[nodiscard]] boost::asio::awaitable<void> wait(host::TimePoint until) {
    struct Diverted {
      Diverted(host::Wakeup*& place, host::Wakeup& here) : wakes{place}, operation{place} {
        wakes = &here;
      }
      ~Diverted() { wakes = operation; }
      Diverted(const Diverted&) = delete;
      Diverted& operator=(const Diverted&) = delete;
      host::Wakeup*& wakes;
      host::Wakeup* operation;
    } const diverted{wakes_, asking_};
    // A guest that has used its pace up wakes nobody: look as soon as it could.
    const host::TimePoint next = pace_.next();
    const bool used_up = next > clock_.now();
    co_await clock_.wait(asking_, used_up ? std::min(until, next) : until);
    if (used_up) static_cast<void>(pace_.take(clock_.now()));
  }

 private:
  /// A good agent reports every 50 ms while memory moves, and answers at most one request for each
  /// stage.
  static constexpr std::chrono::milliseconds interval{20};
  static constexpr int burst{16};

  host::Clock& clock_;
  host::Wakeup* wakes_;
  host::Wakeup asking_{};
  host::Wakeup written_{};
  Pace pace_{interval, burst};
};

}  // namespace memctl::guest
