// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "event_queue.hpp"
#include "memctl/host.hpp"
#include "progress_bar.hpp"

namespace memctl::cli {

/// What somebody who does not want to wait any longer asks of a resize.
enum class Interruption {
  cancel,  ///< To end, as the resize's `on_failure` has it.
  leave,   ///< To end without that, and say what is left.
};

/// Everything that a command needs beside its options. The program's is `Process`; tests have
/// their own. One command uses it, on one thread.
class Environment {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  virtual ~Environment() = default;

  /// Errors: those of `Host::open`.
  [[nodiscard]] virtual Result<Host> open_host(const std::string& uri) = 0;

  virtual void write_out(std::string_view text) = 0;
  virtual void write_err(std::string_view text) = 0;
  /// How progress can be drawn on standard error,
  [[nodiscard]] virtual ProgressBar::Style style() = 0;
  /// and how wide it is now.
  [[nodiscard]] virtual int columns() = 0;

  /// Calls `handler` with each interruption from now on, and at once if there was one already. It
  /// may be called on any thread, and must not block. None: interruptions are ignored from now on.
  virtual void on_interruption(std::function<void(Interruption)> handler) = 0;

  [[nodiscard]] virtual TimePoint now() = 0;
  /// Blocks until `queue` is ready, and no longer than `patience`.
  virtual void wait_for(EventQueue& queue, std::optional<std::chrono::milliseconds> patience) = 0;
};

}  // namespace memctl::cli
