// SPDX-License-Identifier: LGPL-2.1-or-later
#include "progress_board.hpp"

#include <algorithm>
#include <utility>

#include "characters.hpp"

namespace memctl::cli {
namespace {

constexpr std::size_t widest_name = 24;

}  // namespace

ProgressBoard::ProgressBoard(ProgressBar::Style style, const std::vector<std::string>& names)
    : style_{style} {
  for (const std::string& name : names) {
    lines_.push_back({.name = printable(name)});
    name_columns_ = std::max(name_columns_, columns_of(lines_.back().name));
  }
  name_columns_ = std::min(name_columns_, widest_name);
}

void ProgressBoard::show(std::size_t resize, const Event& event) {
  Line& line = lines_.at(resize);
  if (!line.event || line.event->phase != event.phase) line.phase_begun = event.elapsed;
  line.event = event;
}

void ProgressBoard::end(std::size_t resize) { lines_.at(resize).ended = true; }

std::string ProgressBoard::draw(std::chrono::milliseconds silent, Size size) {
  std::string text = erase();
  if (!std::exchange(cursor_hidden_, true)) text += hide_cursor;
  // The last row holds the cursor, and the row above it may have to count the rest.
  const int most = std::max(size.rows - 2, 1);
  const auto columns = static_cast<std::size_t>(std::max(size.columns - 1, 0));
  const std::size_t name_columns = std::min(name_columns_, std::max<std::size_t>(columns / 3, 1));
  int more = 0;
  for (const Line& line : lines_) {
    if (line.ended) continue;
    if (drawn_ == most) {
      ++more;
      continue;
    }
    std::string left = cut_to(line.name, name_columns, style_.utf8 ? "\u2026" : "~");
    left.append(name_columns - std::min(name_columns, columns_of(left)) + 2, ' ');
    const Event event = line.event.value_or(Event{});
    text += phase_line(std::move(left), event, event.elapsed - line.phase_begun + silent,
                       size.columns, style_) +
            "\n";
    ++drawn_;
  }
  if (more == 0) return text;
  ++drawn_;
  return text + cut_to("and " + std::to_string(more) + " more", columns, "") + "\n";
}

std::string ProgressBoard::erase() {
  std::string text;
  // Up to the first line, and from there to the end of the screen.
  if (drawn_ > 0) text = "\r\x1b[" + std::to_string(drawn_) + "A\x1b[J";
  drawn_ = 0;
  return text;
}

std::string ProgressBoard::finish() {
  std::string text = erase();
  if (std::exchange(cursor_hidden_, false)) text += show_cursor;
  return text;
}

}  // namespace memctl::cli
