// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <mutex>
#include <thread>

namespace memctl::cli {

/// Turns SIGINT, SIGTERM and SIGHUP into one call on a thread of its own. It blocks them in the
/// thread that makes it, and threads inherit that: make it before any other thread starts, the
/// host's among them. A signal that was ignored when the process began (nohup) stays ignored.
class SignalWatch {
 public:
  SignalWatch();
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  /// Calls `handler` once, at the first signal, or now if one came already; it must not block.
  /// Without a handler yet, nothing is under way, and a second signal ends the process at once.
  void on_signal(std::function<void()> handler);

 private:
  void watch();
  void received();

  int signals_{-1};
  int stop_{-1};
  std::mutex mutex_;
  bool received_{false};
  std::function<void()> handler_;
  std::thread thread_;
};

/// Lets writes to a closed pipe fail instead of ending the process.
void ignore_broken_pipes();

}  // namespace memctl::cli
