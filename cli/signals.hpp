// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

namespace memctl::cli {

/// Turns SIGINT, SIGTERM and SIGHUP into calls on a thread of its own. The constructor blocks these
/// signals in its thread, and later threads inherit that. So make it before any other thread
/// starts, also before the host's. A signal that was ignored when the process began (nohup) stays
/// ignored.
class SignalWatch {
 public:
  /// What the signals so far ask for. More signals mean less patience.
  enum class Wish {
    cancel,  ///< End, and restore the earlier state.
    leave,   ///< End without restoring, and say what is left.
    exit,    ///< End at once, without another message.
  };

  SignalWatch();
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  /// Calls `handler` with each new wish from now on. If there is a wish already, calls it now. The
  /// handler must not block. SIGHUP cancels but is not counted, because a lost terminal and a
  /// service manager send it together with another signal. The same signal within half a second is
  /// not counted either. Before there is a handler, no resize is under way, and a second signal
  /// ends the process at once.
  void on_signal(std::function<void(Wish wish)> handler);

  /// Calls `handler` each time the terminal gets another size. It must not block.
  void on_resized(std::function<void()> handler);

 private:
  void watch();
  void received(std::uint32_t number);

  int signals_{-1};
  int stop_{-1};
  std::mutex mutex_;
  int count_{0};
  std::uint32_t last_{0};
  std::chrono::steady_clock::time_point last_at_{};
  std::optional<Wish> wish_{};
  std::function<void(Wish)> handler_;
  std::function<void()> on_resized_;
  std::thread thread_;
};

/// From now on a terminal cannot stop the process (SIGTSTP of Ctrl-Z, SIGTTOU). If the process
/// stopped between the head and the body of a message to xenstored (4.17), xenstored would stop
/// too, and with it the toolstack of the whole host. Threads inherit this, so call it before any
/// starts.
void block_stops();

/// Lets writes to a closed pipe fail instead of ending the process.
void ignore_broken_pipes();

}  // namespace memctl::cli
