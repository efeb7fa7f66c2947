// SPDX-License-Identifier: LGPL-2.1-or-later
#include "progress_bar.hpp"

#include <algorithm>
#include <utility>

#include "characters.hpp"
#include "memctl/size.hpp"
#include "show_size.hpp"
#include "text.hpp"

namespace memctl::cli {
namespace {

constexpr std::string_view green = "32";
constexpr std::string_view red = "31";
constexpr std::string_view cyan = "36";

constexpr int label_columns = 10;
constexpr int widest_bar = 40;
constexpr int narrowest_bar = 8;

/// The place of a phase in an operation. Each stage has its own online and populate.
std::pair<int, int> place(const Event& event) {
  switch (event.phase) {
    case Phase::facts:
    case Phase::reserve:
      return {-1, static_cast<int>(event.phase)};
    case Phase::online:
    case Phase::populate:
      return {event.stage, static_cast<int>(event.phase)};
    case Phase::verify:
    case Phase::restore:
      break;
  }
  constexpr int after_all_stages = 1 << 30;
  return {after_all_stages, static_cast<int>(event.phase)};
}

std::string label(const Event& event) {
  std::string text{name(event.phase)};
  const bool of_a_stage = event.phase == Phase::online || event.phase == Phase::populate;
  if (of_a_stage && event.stage > 1) text += " " + std::to_string(event.stage);
  const auto used = static_cast<int>(text.size());
  if (used < label_columns) text.append(static_cast<std::size_t>(label_columns - used), ' ');
  return text;
}

std::optional<double> fraction(const Event& event) {
  if (event.from == event.to) return std::nullopt;
  const auto done = static_cast<double>((event.now - event.from).count());
  return std::clamp(done / static_cast<double>((event.to - event.from).count()), 0.0, 1.0);
}

std::string mib(Kib size) { return show_size(size, SizeUnit::mib); }

std::string percent(double fraction) {
  const std::string number = std::to_string(static_cast<int>(fraction * 100.0));
  return std::string(number.size() < 3 ? 3 - number.size() : 0, ' ') + number + "%";
}

std::string coloured(std::string_view code, std::string_view text, ProgressBar::Style style) {
  if (!style.colour) return std::string{text};
  return "\x1b[" + std::string{code} + "m" + std::string{text} + "\x1b[0m";
}

std::string drawn_bar(double fraction, int cells, ProgressBar::Style style) {
  const int inside = style.utf8 ? cells : cells - 2;
  const auto filled = static_cast<int>(fraction * inside);
  std::string done;
  std::string open;
  for (int i = 0; i < filled; ++i) done += style.utf8 ? "\u2501" : "=";
  for (int i = filled; i < inside; ++i) open += style.utf8 ? "\u2500" : " ";
  if (style.utf8) return coloured(cyan, done, style) + open;
  return "[" + coloured(cyan, done, style) + open + "]";
}

}  // namespace

std::string phase_line(std::string left, const Event& event, std::chrono::milliseconds spent,
                       int columns, ProgressBar::Style style) {
  // The last column stays empty, because some terminals wrap as soon as it is written.
  const auto room = static_cast<std::size_t>(std::max(columns - 1, 0));
  const auto part = fraction(event);
  left += label(event);
  std::string right;
  const auto add_if_it_fits = [&](const std::string& text, std::size_t gap) {
    if (columns_of(left) + right.size() + text.size() + gap > room) return;
    right += std::string(gap, ' ') + text;
  };
  if (part) {
    add_if_it_fits(percent(*part), 1);
    const std::string_view link = event.to < event.from ? " -> " : " of ";
    add_if_it_fits(mib(event.now) + std::string{link} + mib(event.to) + " MiB", 2);
  }
  add_if_it_fits(show_duration(spent), 2);
  left = cut_to(left, room, "");

  std::string middle;
  const int rest = static_cast<int>(room) - static_cast<int>(columns_of(left) + right.size()) - 1;
  const int cells = std::min(widest_bar, rest);
  if (part && cells >= narrowest_bar) middle = " " + drawn_bar(*part, cells, style);
  return left + middle + right;
}

std::string ProgressBar::show(const Event& event, int columns) {
  std::string text;
  if (current_ && place(event) < place(current_->event)) {
    current_->now = event.elapsed;
  } else if (current_ && place(event) == place(current_->event)) {
    current_->event = event;
    current_->now = event.elapsed;
  } else {
    // Only a failure leads to the restore phase.
    if (current_) text = ended_line(event.phase != Phase::restore, event.elapsed);
    current_ = Current{event, event.elapsed, event.elapsed};
  }
  return text + live_line(columns);
}

std::string ProgressBar::tick(std::chrono::milliseconds since_event, int columns) {
  if (!current_) return {};
  const auto before = std::exchange(current_->now, current_->now + since_event);
  std::string text = live_line(columns);
  current_->now = before;
  return text;
}

std::string ProgressBar::note(std::string_view text, int columns) {
  return erase() + std::string{text} + "\n" + (current_ ? live_line(columns) : std::string{});
}

std::string ProgressBar::finish(End end, std::chrono::milliseconds elapsed) {
  std::string text = erase();
  if (current_ && end != End::refused) text = ended_line(end == End::done, elapsed);
  current_.reset();
  if (std::exchange(cursor_hidden_, false)) text += show_cursor;
  return text;
}

std::string ProgressBar::live_line(int columns) {
  if (!style_.live) return {};
  std::string text{erase_line};
  if (!std::exchange(cursor_hidden_, true)) text += hide_cursor;
  return text + phase_line("  ", current_->event, current_->now - current_->begun, columns, style_);
}

std::string ProgressBar::ended_line(bool succeeded, std::chrono::milliseconds elapsed) const {
  const Event& event = current_->event;
  std::string mark = succeeded ? "ok  " : "FAIL";
  if (style_.utf8) mark = succeeded ? "\u2713" : "\u2717";
  std::string text = erase() + coloured(succeeded ? green : red, mark, style_) + " " + label(event);
  if (event.from != event.to) {
    const Kib reached = succeeded ? event.to : event.now;
    text += " " + to_string(event.from) + " -> " + to_string(reached) + " ";
  }
  return text + " " + show_duration(elapsed - current_->begun) + "\n";
}

std::string ProgressBar::erase() const {
  return std::string{style_.live && current_ ? erase_line : std::string_view{}};
}

}  // namespace memctl::cli
