// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>

#include "memctl/resize.hpp"

namespace memctl::cli {

/// Carries an operation's events from the host's thread, which must not block, to the thread that
/// writes them, which may: a terminal can be stopped, and a pipe can have a slow reader.
class EventQueue {
 public:
  enum class Kind { event, cancelling, abandoned, closed, nothing_yet };
  struct Item {
    Kind kind{};
    Event event{};
  };

  void push(const Event& event) {
    const std::lock_guard lock{mutex_};
    // A reader that has fallen so far behind gets the latest in place of the last it would get.
    if (events_.size() >= most_events) events_.pop_back();
    events_.push_back({Kind::event, event});
    changed_.notify_one();
  }

  /// The user asked to cancel.
  void push_cancelling() {
    const std::lock_guard lock{mutex_};
    events_.push_back({Kind::cancelling, {}});
    changed_.notify_one();
  }

  /// The user does not wait for the rest: that is the next item, and nothing comes after it.
  void abandon() {
    const std::lock_guard lock{mutex_};
    abandoned_ = true;
    changed_.notify_one();
  }

  void close() {
    const std::lock_guard lock{mutex_};
    closed_ = true;
    changed_.notify_one();
  }

  /// Whether `pop` has something to tell.
  [[nodiscard]] bool ready() const {
    const std::lock_guard lock{mutex_};
    return is_ready();
  }

  /// Blocks until it is ready, and no longer than `patience`.
  void wait(std::optional<std::chrono::milliseconds> patience) {
    std::unique_lock lock{mutex_};
    if (patience) {
      changed_.wait_for(lock, *patience, [this] { return is_ready(); });
    } else {
      changed_.wait(lock, [this] { return is_ready(); });
    }
  }

  /// The next item; `closed` once all were taken, `nothing_yet` until then.
  [[nodiscard]] Item pop() {
    const std::lock_guard lock{mutex_};
    if (abandoned_ && !closed_) return {Kind::abandoned, {}};
    if (events_.empty()) return {closed_ ? Kind::closed : Kind::nothing_yet, {}};
    const Item item = events_.front();
    events_.pop_front();
    return item;
  }

 private:
  static constexpr std::size_t most_events = 10'000;

  [[nodiscard]] bool is_ready() const { return closed_ || abandoned_ || !events_.empty(); }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Item> events_;
  bool closed_{false};
  bool abandoned_{false};
};

}  // namespace memctl::cli
