// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>

#include "memctl/resize.hpp"

namespace memctl::cli {

/// Carries the events of operations from the host's thread to the thread that writes them. The
/// host's thread must not block. Writing can block, because a terminal can be stopped and a pipe
/// can have a slow reader.
class EventQueue {
 public:
  enum class Kind { event, ended, cancelling, abandoned, closed, nothing_yet };
  struct Item {
    Kind kind{};
    std::size_t operation{};  ///< Whose event it is, or which operation has ended.
    Event event{};
  };

  /// It is closed once so many operations have ended.
  explicit EventQueue(std::size_t operations = 1) : under_way_{operations} {}

  void push(std::size_t operation, const Event& event) {
    const std::lock_guard lock{mutex_};
    const auto is_earlier = [operation](const Item& item) {
      return item.kind == Kind::event && item.operation == operation;
    };
    if (events_.size() >= most_events) {
      // The reader is far behind: the newest event takes the place of its operation's last one.
      const auto last = std::find_if(events_.rbegin(), events_.rend(), is_earlier);
      if (last != events_.rend()) {
        last->event = event;
        return;
      }
    }
    events_.push_back({Kind::event, operation, event});
    changed_.notify_one();
  }

  void end(std::size_t operation) {
    const std::lock_guard lock{mutex_};
    events_.push_back({Kind::ended, operation, {}});
    --under_way_;
    changed_.notify_one();
  }

  /// The user asked to cancel.
  void push_cancelling() {
    const std::lock_guard lock{mutex_};
    events_.push_back({Kind::cancelling, 0, {}});
    changed_.notify_one();
  }

  /// The user stops waiting. The next item is `abandoned`, and no item follows it.
  void abandon() {
    const std::lock_guard lock{mutex_};
    abandoned_ = true;
    changed_.notify_one();
  }

  /// Whether `pop` would return something other than `nothing_yet`.
  [[nodiscard]] bool ready() const {
    const std::lock_guard lock{mutex_};
    return is_ready();
  }

  /// Blocks until `ready()`, at most for `patience`.
  void wait(std::optional<std::chrono::milliseconds> patience) {
    std::unique_lock lock{mutex_};
    if (patience) {
      changed_.wait_for(lock, *patience, [this] { return is_ready(); });
    } else {
      changed_.wait(lock, [this] { return is_ready(); });
    }
  }

  /// The next item. If there is none, `closed` if all operations have ended, or `nothing_yet`.
  [[nodiscard]] Item pop() {
    const std::lock_guard lock{mutex_};
    if (abandoned_ && under_way_ > 0) return {.kind = Kind::abandoned};
    if (events_.empty()) return {.kind = under_way_ == 0 ? Kind::closed : Kind::nothing_yet};
    const Item item = events_.front();
    events_.pop_front();
    return item;
  }

 private:
  static constexpr std::size_t most_events = 10'000;

  [[nodiscard]] bool is_ready() const { return under_way_ == 0 || abandoned_ || !events_.empty(); }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Item> events_;
  std::size_t under_way_;
  bool abandoned_{false};
};

}  // namespace memctl::cli
