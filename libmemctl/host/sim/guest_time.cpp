// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/sim/guest_time.hpp"

#include <utility>

namespace memctl::host::sim {

void GuestTime::resume() {
  paused_ = false;
  for (GuestTimer* timer : timers_) {
    if (timer->pending() && !timer->event_.pending()) {
      timer->event_ = clock_.schedule(clock_.now(), [timer] { timer->fire(); });
    }
  }
}

void GuestTime::stop() {
  stopped_ = true;
  for (GuestTimer* timer : timers_) timer->cancel();
}

void GuestTimer::set(Duration delay, VirtualClock::Action action) {
  if (time_.stopped_) return;
  action_ = std::move(action);
  event_ = time_.clock_.schedule_in(delay, [this] { fire(); });
}

void GuestTimer::cancel() {
  event_.cancel();
  action_ = nullptr;
}

void GuestTimer::fire() {
  if (time_.paused_) return;  // due as soon as the domain is unpaused
  const auto action = std::exchange(action_, nullptr);
  if (action) action();
}

}  // namespace memctl::host::sim
