// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>

#include "environment.hpp"
#include "event_queue.hpp"
#include "options.hpp"
#include "progress_bar.hpp"

namespace memctl::cli {

/// Writes a resize's events as they come: for programs, on a terminal, or as lines that stay.
class Display {
 public:
  Display(const Options& options, Environment& environment);

  /// Until the operation has ended; false if the user does not wait for that.
  [[nodiscard]] bool follow(EventQueue& queue);
  void end(Outcome outcome, std::chrono::milliseconds elapsed);

  /// Of an operation that goes on, or would.
  [[nodiscard]] std::chrono::milliseconds elapsed() const { return elapsed_ + silent(); }

 private:
  void show(const Event& event);
  [[nodiscard]] std::chrono::milliseconds silent() const;
  [[nodiscard]] int columns() const { return style_.live ? environment_.columns() : 80; }

  Environment& environment_;
  ProgressBar::Style style_;
  ProgressBar bar_;
  bool json_;
  bool visible_;
  Environment::TimePoint last_event_;
  std::chrono::milliseconds elapsed_{};
};

}  // namespace memctl::cli
