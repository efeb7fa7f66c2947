// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "environment.hpp"
#include "event_queue.hpp"
#include "options.hpp"
#include "progress_bar.hpp"

namespace memctl::cli {

/// Writes a resize's events as they come: as JSON, as a live line on a terminal, or as lines that
/// stay.
class Display {
 public:
  Display(const Options& options, std::string domain, Environment& environment);

  /// Writes the events until the operation has ended. False: the user stopped waiting before.
  [[nodiscard]] bool follow(EventQueue& queue);
  void end(Outcome outcome, std::chrono::milliseconds elapsed);

  /// The time since the operation began, for an operation that has not ended.
  [[nodiscard]] std::chrono::milliseconds elapsed() const { return elapsed_ + silent(); }
  /// The size when restoring began. Nothing: restoring has not begun.
  [[nodiscard]] std::optional<Kib> stopped_at() const { return stopped_at_; }

 private:
  void show(const Event& event);
  void show_cancelling();
  [[nodiscard]] std::chrono::milliseconds silent() const;
  [[nodiscard]] int columns() const { return style_.live ? environment_.columns() : 80; }

  Environment& environment_;
  ProgressBar::Style style_;
  ProgressBar bar_;
  bool json_;
  bool visible_;
  bool keep_;
  std::string domain_;
  Environment::TimePoint last_event_;
  std::chrono::milliseconds elapsed_{};
  std::optional<Kib> before_{};
  std::optional<Kib> stopped_at_{};
};

}  // namespace memctl::cli
