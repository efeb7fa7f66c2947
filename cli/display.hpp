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

/// Writes a resize's events as they come: for programs, on a terminal, or as lines that stay.
class Display {
 public:
  Display(const Options& options, std::string domain, Environment& environment);

  /// Until the operation has ended; false if the user does not wait for that.
  [[nodiscard]] bool follow(EventQueue& queue);
  void end(Outcome outcome, std::chrono::milliseconds elapsed);

  /// Of an operation that goes on, or would.
  [[nodiscard]] std::chrono::milliseconds elapsed() const { return elapsed_ + silent(); }
  /// How far it had come when the earlier state was to come back.
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
