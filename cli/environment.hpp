// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "configuration.hpp"
#include "event_queue.hpp"
#include "memctl/host.hpp"
#include "memctl/log.hpp"
#include "progress_bar.hpp"
#include "status_text.hpp"
#include "watch_queue.hpp"

namespace memctl::cli {

/// How a user interrupts a command.
enum class Interruption {
  cancel,  ///< End the resize, and restore or keep as its `on_failure` says.
  leave,   ///< End without restoring, and say what is left.
};

/// Everything that a command needs beside its options. The program has `Process`; tests have their
/// own. One command uses it, on one thread.
class Environment {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  virtual ~Environment() = default;

  /// What the administrator has set, or what is wrong with it. It stays the same.
  [[nodiscard]] virtual const Result<Configuration>& configuration() = 0;

  /// A host with the administrator's policy. Errors: that of `configuration`, and those of
  /// `Host::open`.
  [[nodiscard]] virtual Result<Host> open_host(const std::string& uri) = 0;

  /// Notes how a resize ended, where the host's log goes to. Only for an end that the library does
  /// not see.
  virtual void note(const LogLine& line) = 0;

  virtual void write_out(std::string_view text) = 0;
  virtual void write_err(std::string_view text) = 0;
  /// How progress can be drawn on standard error.
  [[nodiscard]] virtual ProgressBar::Style style() = 0;
  /// How wide standard error is now.
  [[nodiscard]] virtual int columns() = 0;
  /// How many lines the terminal of standard error has now.
  [[nodiscard]] virtual int rows() = 0;
  /// Where standard output goes: how wide it is, if it is a terminal.
  [[nodiscard]] virtual Screen screen() = 0;
  /// How many lines the terminal of standard output has now.
  [[nodiscard]] virtual int screen_rows() = 0;
  /// Whether standard output is a terminal that can redraw what it shows.
  [[nodiscard]] virtual bool can_redraw() = 0;
  /// False: a reader has closed standard output, or something could not be written.
  [[nodiscard]] virtual bool has_reader() = 0;

  /// Calls `handler` with each interruption from now on. If there was an interruption already,
  /// calls it at once. The call may come on any thread, and must not block. If `handler` is empty,
  /// interruptions are ignored from now on.
  virtual void on_interruption(std::function<void(Interruption)> handler) = 0;

  /// Calls `handler` when the terminal gets another size. The call may come on any thread, and must
  /// not block.
  virtual void on_resized(std::function<void()> handler) = 0;

  [[nodiscard]] virtual TimePoint now() = 0;
  /// Blocks until `queue` is ready, at most for `patience`.
  virtual void wait_for(EventQueue& queue, std::optional<std::chrono::milliseconds> patience) = 0;
  virtual void wait_for(WatchQueue& queue, std::chrono::milliseconds patience) = 0;
};

}  // namespace memctl::cli
