// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "host/clock.hpp"
#include "memctl/report.hpp"
#include "memctl/resize.hpp"

namespace memctl::resize {

/// Tells the caller where an operation is, and keeps the time that each phase took.
class Progress {
 public:
  Progress(const host::Clock& clock, std::function<void(const Event&)> on_event);

  /// A phase begins, or the same one in another stage; the one before has ended.
  void begin(Phase phase, int stage, Kib from, Kib to);
  /// The phase has come this far. Tells the caller at most every 50 ms, and always at its end.
  void advance(Kib now);

  /// The caller's function threw, perhaps on another thread. It is not called any more.
  void on_event_threw(std::string what);
  /// What the caller's function threw, in words.
  [[nodiscard]] const std::optional<std::string>& thrown() const { return thrown_; }

  [[nodiscard]] std::chrono::milliseconds elapsed() const;
  /// The phases' times until now, in the order of `Phase`.
  [[nodiscard]] std::vector<PhaseTime> times() const;

 private:
  void tell(host::TimePoint now);

  const host::Clock* clock_;
  std::function<void(const Event&)> on_event_;
  host::TimePoint started_;
  host::TimePoint phase_started_;
  std::optional<host::TimePoint> told_{};
  std::optional<std::string> thrown_{};
  std::optional<Event> event_{};
  struct Spent {
    Phase phase;
    host::Duration time;
  };
  std::vector<Spent> spent_{};
};

}  // namespace memctl::resize
