// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <mutex>

namespace memctl::scenario {

/// Whose turn it is: the driver's, or that of one call's thread. The thread that has the turn gives
/// it to the other thread, and blocks until it comes back.
class Turn {
 public:
  /// The driver gives the turn to the call's thread.
  void to_call() { hand(Holder::call, Holder::driver); }
  /// The call's thread gives the turn to the driver.
  void to_driver() { hand(Holder::driver, Holder::call); }
  /// The call's thread begins.
  void await_first() { await(Holder::call); }
  /// The call's thread has ended.
  void leave() { give(Holder::driver); }

 private:
  enum class Holder { driver, call };

  void hand(Holder to, Holder from) {
    give(to);
    await(from);
  }
  void give(Holder to) {
    const std::lock_guard lock{mutex_};
    holder_ = to;
    changed_.notify_all();
  }
  void await(Holder whose) {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return holder_ == whose; });
  }

  std::mutex mutex_{};
  std::condition_variable changed_{};
  Holder holder_{Holder::driver};
};

}  // namespace memctl::scenario
