// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

namespace memctl::cli {

/// Turns SIGINT, SIGTERM and SIGHUP into calls on a thread of its own. It blocks them in the
/// thread that makes it, and threads inherit that: make it before any other thread starts, the
/// host's among them. A signal that was ignored when the process began (nohup) stays ignored.
class SignalWatch {
 public:
  /// What the signals so far ask for, the more impatient the more there were.
  enum class Wish {
    cancel,  ///< to end, and bring the earlier state back
    leave,   ///< to end without that, and say what is left
    exit,    ///< to end at once: nobody reads what is said
  };

  SignalWatch();
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  /// Calls `handler` with each new wish from now on, and now if there is one already; it must not
  /// block. SIGHUP cancels, and is never a second signal or makes another one that: a lost terminal
  /// and a service manager send it beside another. Nor is an equal signal within half a second.
  /// Without a handler yet, nothing is under way, and a second signal ends the process at once.
  void on_signal(std::function<void(Wish wish)> handler);

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
  std::thread thread_;
};

/// From now on a terminal cannot stop the process (SIGTSTP of Ctrl-Z, SIGTTOU): one that stood
/// still between the head and the body of a message to xenstored (4.17) would stop that, and so the
/// toolstack of the whole host. Threads inherit it: before any starts.
void block_stops();

/// Lets writes to a closed pipe fail instead of ending the process.
void ignore_broken_pipes();

}  // namespace memctl::cli
