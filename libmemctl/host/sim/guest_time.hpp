// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <set>

#include "host/sim/clock.hpp"

namespace memctl::host::sim {

class GuestTimer;

/// A guest's part of the virtual time. Nothing happens in the guest while its domain is paused, or
/// after `stop`.
class GuestTime {
 public:
  explicit GuestTime(VirtualClock& clock) : clock_{clock} {}
  void pause() { paused_ = true; }
  void resume();
  void stop();
  [[nodiscard]] bool stopped() const { return stopped_; }
  [[nodiscard]] VirtualClock& clock() const { return clock_; }

 private:
  friend class GuestTimer;
  VirtualClock& clock_;
  bool paused_{false};
  bool stopped_{false};
  std::set<GuestTimer*> timers_{};
};

/// One action that a guest will do later. Setting the timer again replaces the pending action.
class GuestTimer {
 public:
  explicit GuestTimer(GuestTime& time) : time_{time} { time_.timers_.insert(this); }
  GuestTimer(const GuestTimer&) = delete;
  GuestTimer& operator=(const GuestTimer&) = delete;
  ~GuestTimer() { time_.timers_.erase(this); }

  void set(Duration delay, VirtualClock::Action action);
  void cancel();
  [[nodiscard]] bool pending() const { return static_cast<bool>(action_); }

 private:
  friend class GuestTime;
  void fire();
  GuestTime& time_;
  VirtualClock::Action action_{};
  VirtualClock::Event event_{};
};

}  // namespace memctl::host::sim
