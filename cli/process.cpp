// SPDX-License-Identifier: LGPL-2.1-or-later
#include "process.hpp"

#include <unistd.h>

#include <utility>

#include "exit_code.hpp"
#include "terminal.hpp"

namespace memctl::cli {

Result<Host> Process::open_host(const std::string& uri) {
  if (!configuration_) return configuration_.error();
  HostOptions options{.policy = configuration_.value().policy};
  if (is_noted(uri)) {
    options.on_log = [&journal = journal_.emplace()](const LogLine& line) { journal.note(line); };
  }
  return host_.emplace(Host::open(uri, std::move(options)));
}

void Process::note(const LogLine& line) {
  if (journal_) journal_->note(line);
}

void Process::flush_journal() {
  if (journal_) journal_->flush();
}

// A resize goes on without a reader, because the guest must not be left half-way.
void Process::write_out(std::string_view text) {
  if (!write_all(STDOUT_FILENO, text)) output_lost_ = true;
}

// If this fails, there is no other place to say so.
void Process::write_err(std::string_view text) {
  static_cast<void>(write_all(STDERR_FILENO, text));
}

ProgressBar::Style Process::style() {
  const bool live = is_live_terminal(STDERR_FILENO);
  return {.live = live, .utf8 = locale_is_utf8(), .colour = live && colour_wanted()};
}

int Process::columns() { return terminal_columns(STDERR_FILENO); }

int Process::rows() { return terminal_rows(STDERR_FILENO); }

Screen Process::screen() {
  Screen screen{.utf8 = locale_is_utf8()};
  if (is_terminal(STDOUT_FILENO)) screen.columns = terminal_columns(STDOUT_FILENO);
  return screen;
}

int Process::screen_rows() { return terminal_rows(STDOUT_FILENO); }

bool Process::can_redraw() { return is_live_terminal(STDOUT_FILENO); }

bool Process::has_reader() { return !output_lost_ && cli::has_reader(STDOUT_FILENO); }

void Process::on_interruption(std::function<void(Interruption)> handler) {
  if (!signals_) return;
  if (!handler) return signals_->on_signal([](SignalWatch::Wish) {});
  signals_->on_signal([handler = std::move(handler), forced = forced_](SignalWatch::Wish wish) {
    switch (wish) {
      case SignalWatch::Wish::cancel:
        return handler(Interruption::cancel);
      case SignalWatch::Wish::leave:
        return handler(Interruption::leave);
      case SignalWatch::Wish::exit:
        ::_exit(static_cast<int>(forced));
    }
  });
}

void Process::on_resized(std::function<void()> handler) {
  if (signals_) signals_->on_resized(std::move(handler));
}

Environment::TimePoint Process::now() { return std::chrono::steady_clock::now(); }

void Process::wait_for(EventQueue& queue, std::optional<std::chrono::milliseconds> patience) {
  queue.wait(patience);
}

void Process::wait_for(WatchQueue& queue, std::chrono::milliseconds patience) {
  queue.wait(patience);
}

}  // namespace memctl::cli
