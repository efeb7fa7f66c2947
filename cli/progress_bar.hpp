// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "memctl/resize.hpp"

namespace memctl::cli {

/// Draws a resize: one live line for the phase under way, and a line that stays for each phase that
/// has ended. Pure: it returns what is to be written, and is told how wide the terminal is.
///
/// An operation may report `online` and `populate` of one stage by turns; what belongs to a phase
/// that has a line already is not drawn again.
class ProgressBar {
 public:
  struct Style {
    bool live{true};  ///< Redraw a line in place; else only phases that have ended leave one.
    bool utf8{false};
    bool colour{false};
  };
  enum class End {
    done,     ///< The last phase succeeded.
    failed,   ///< The last phase failed.
    refused,  ///< Nothing happened that is worth a line.
  };

  explicit ProgressBar(Style style) : style_{style} {}

  [[nodiscard]] std::string show(const Event& event, int columns);
  /// Time went on without an event: `since_event` after the last one.
  [[nodiscard]] std::string tick(std::chrono::milliseconds since_event, int columns);
  /// A line of other text above the live one.
  [[nodiscard]] std::string note(std::string_view text, int columns);
  /// Ends the last phase and gives the cursor back. `elapsed` since the operation began.
  [[nodiscard]] std::string finish(End end, std::chrono::milliseconds elapsed);

 private:
  struct Current {
    Event event{};                      ///< The phase's latest,
    std::chrono::milliseconds begun{};  ///< and when its first came.
    std::chrono::milliseconds now{};
  };

  [[nodiscard]] std::string live_line(int columns);
  [[nodiscard]] std::string ended_line(bool succeeded, std::chrono::milliseconds elapsed) const;
  [[nodiscard]] std::string erase() const;
  [[nodiscard]] std::string coloured(std::string_view code, std::string_view text) const;
  [[nodiscard]] std::string bar(double fraction, int cells) const;

  Style style_;
  std::optional<Current> current_{};
  bool cursor_hidden_{false};
};

}  // namespace memctl::cli
