// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "progress_bar.hpp"

namespace memctl::cli {

/// Draws several resizes on a terminal: a live line for each that goes on, as many as the terminal
/// has room for. Pure, as `ProgressBar` is.
class ProgressBoard {
 public:
  struct Size {
    int columns{80};
    int rows{24};
  };

  ProgressBoard(ProgressBar::Style style, const std::vector<std::string>& names);

  void show(std::size_t resize, const Event& event);
  void end(std::size_t resize);

  /// Draws the lines anew. The last event came `silent` ago.
  [[nodiscard]] std::string draw(std::chrono::milliseconds silent, Size size);
  /// Takes the lines off the screen, so that other text can be written in their place.
  [[nodiscard]] std::string erase();
  /// The same for good: the cursor is shown again.
  [[nodiscard]] std::string finish();

 private:
  struct Line {
    std::string name;
    std::optional<Event> event{};  ///< Nothing: it has not told anything yet.
    std::chrono::milliseconds phase_begun{};
    bool ended{false};
  };

  ProgressBar::Style style_;
  std::vector<Line> lines_{};
  std::size_t name_columns_{};
  int drawn_{0};  ///< How many lines are on the screen.
  bool cursor_hidden_{false};
};

}  // namespace memctl::cli
