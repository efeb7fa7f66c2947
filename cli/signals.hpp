// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

namespace memctl::cli {

/// Turns SIGINT, SIGTERM and SIGHUP into calls on a thread of its own. It blocks them in the
/// thread that makes it, and threads inherit that: make it before any other thread starts, the
/// host's among them. A signal that was ignored when the process began (nohup) stays ignored. A
/// terminal cannot stop the process from then on (SIGTSTP of Ctrl-Z, SIGTTOU).
class SignalWatch {
 public:
  SignalWatch();
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  /// Calls `handler` with the number of signals so far: at each from now on, and now if any came
  /// already; it must not block. Of SIGHUP the first signal alone counts: a lost terminal and a
  /// service manager send it beside another. Without a handler yet, nothing is under way, and a
  /// second signal ends the process at once.
  void on_signal(std::function<void(int count)> handler);

 private:
  void watch();
  void received(std::uint32_t number);

  int signals_{-1};
  int stop_{-1};
  std::mutex mutex_;
  int count_{0};
  std::function<void(int)> handler_;
  std::thread thread_;
};

/// Lets writes to a closed pipe fail instead of ending the process.
void ignore_broken_pipes();

}  // namespace memctl::cli
