// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "memctl/resize.hpp"

namespace memctl::cli {

// Control sequences of terminals.
inline constexpr std::string_view hide_cursor = "\x1b[?25l";
inline constexpr std::string_view show_cursor = "\x1b[?25h";
inline constexpr std::string_view erase_line = "\r\x1b[K";

/// Draws a resize: one live line for the phase under way, and a line that stays for each phase that
/// has ended. Pure: it returns the text to write, and the caller passes the terminal's width.
///
/// An operation may report `online` and `populate` of one stage by turns. A phase that has a line
/// already is not drawn again.
class ProgressBar {
 public:
  struct Style {
    bool live{
        true};  ///< Redraws a line in place. False: writes a line only when a phase has ended.
    bool utf8{false};
    bool colour{false};
  };
  enum class End {
    done,     ///< The last phase succeeded.
    failed,   ///< The last phase failed.
    refused,  ///< Nothing was changed, so no line is written.
  };

  explicit ProgressBar(Style style) : style_{style} {}

  [[nodiscard]] std::string show(const Event& event, int columns);
  /// Redraws the live line when no event came for `since_event`.
  [[nodiscard]] std::string tick(std::chrono::milliseconds since_event, int columns);
  /// Writes a line of other text above the live line.
  [[nodiscard]] std::string note(std::string_view text, int columns);
  /// Ends the last phase and shows the cursor again. `elapsed` counts from the operation's begin.
  [[nodiscard]] std::string finish(End end, std::chrono::milliseconds elapsed);

 private:
  struct Current {
    Event event{};                      ///< The latest event of the phase.
    std::chrono::milliseconds begun{};  ///< When the first event of the phase came.
    std::chrono::milliseconds now{};
  };

  [[nodiscard]] std::string live_line(int columns);
  [[nodiscard]] std::string ended_line(bool succeeded, std::chrono::milliseconds elapsed) const;
  [[nodiscard]] std::string erase() const;

  Style style_;
  std::optional<Current> current_{};
  bool cursor_hidden_{false};
};

/// A line about a phase that goes on for `spent`: `left`, the phase, a bar, and how far it is, as
/// much as there is room for.
[[nodiscard]] std::string phase_line(std::string left, const Event& event,
                                     std::chrono::milliseconds spent, int columns,
                                     ProgressBar::Style style);

}  // namespace memctl::cli
