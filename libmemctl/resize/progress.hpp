// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/pace.hpp"
#include "host/clock.hpp"
#include "memctl/report.hpp"
#include "memctl/resize.hpp"

namespace memctl::resize {

/// Tells the caller where an operation is, and keeps the time that each phase took.
class Progress {
 public:
  Progress(const host::Clock& clock, std::function<void(const Event&)> on_event);

  /// A phase begins, or the same one in another stage; the one before has ended. Tells the caller,
  /// unless so many stages follow each other that this would be too often.
  void begin(Phase phase, int stage, Kib from, Kib to);
  /// The phase has come this far. Tells the caller at most every 50 ms, and also at its end, once
  /// if the guest goes back and forth there.
  void advance(Kib now);

  /// The caller's function threw, perhaps on another thread. It is not called any more.
  void on_event_threw(std::string what);
  /// What the caller's function threw, in words.
  [[nodiscard]] const std::optional<std::string>& thrown() const { return thrown_; }

  [[nodiscard]] std::chrono::milliseconds elapsed() const;
  /// The phases' times until now, in the order of `Phase`.
  [[nodiscard]] std::vector<PhaseTime> times() const;

 private:
  void tell_if_due(host::TimePoint now);
  void tell(host::TimePoint now);

  const host::Clock* clock_;
  std::function<void(const Event&)> on_event_;
  host::TimePoint started_;
  host::TimePoint phase_started_;
  host::TimePoint told_at_{};
  bool told_end_{false};  ///< The last figure that was told is the end of its phase.
  /// Of the stages' events. A guest's reports decide how many stages there are, and how their
  /// figures move.
  Pace pace_{std::chrono::milliseconds{25}, 40};
  std::optional<std::string> thrown_{};
  std::optional<Event> event_{};
  struct Spent {
    Phase phase;
    host::Duration time;
  };
  std::vector<Spent> spent_{};
};

}  // namespace memctl::resize
