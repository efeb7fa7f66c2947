// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <optional>

#include "environment.hpp"
#include "event_queue.hpp"
#include "options.hpp"
#include "progress_bar.hpp"

namespace memctl::cli {

/// How often a live line shows that time passes.
inline constexpr std::chrono::milliseconds live_tick{500};

/// How an outcome ends the last phase. If it is `restored`, that was the restore phase, and it
/// succeeded.
[[nodiscard]] ProgressBar::End end_of(Outcome outcome);

/// How progress is drawn, if the options want it drawn.
[[nodiscard]] ProgressBar::Style style_for(const Options& options, Environment& environment);

/// Writes a resize's events as they come: as JSON, as a live line on a terminal, or as lines that
/// stay.
class Display {
 public:
  Display(const Options& options, DomainIdentity domain, Environment& environment);

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
  DomainIdentity domain_;
  Environment::TimePoint last_event_;
  std::chrono::milliseconds elapsed_{};
  std::optional<Kib> before_{};
  std::optional<Kib> stopped_at_{};
};

}  // namespace memctl::cli
