// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "memctl/watch.hpp"

namespace memctl::cli {

/// Carries what happens to domains, and to the terminal, to the thread that writes it. The threads
/// that push must not block.
class WatchQueue {
 public:
  /// All that has happened since the last look.
  struct News {
    std::vector<DomainChange> changes{};
    bool answered{false};  ///< A question about a domain has its answer.
    bool resized{false};   ///< The terminal has another size.
    bool ended{false};     ///< The user has seen enough.
  };

  void push(const DomainChange& change) {
    const std::lock_guard lock{mutex_};
    // A domain that changes twice before anybody looks is looked at once.
    const bool known = change.change == Change::changed &&
                       std::ranges::find(news_.changes, change) != news_.changes.end();
    if (!known) news_.changes.push_back(change);
    tell();
  }
  void push_answer() { set(&News::answered); }
  void push_resized() { set(&News::resized); }
  void end() { set(&News::ended); }

  [[nodiscard]] bool ready() const {
    const std::lock_guard lock{mutex_};
    return ready_;
  }

  /// Blocks until `ready()`, at most for `patience`.
  void wait(std::chrono::milliseconds patience) {
    std::unique_lock lock{mutex_};
    changed_.wait_for(lock, patience, [this] { return ready_; });
  }

  [[nodiscard]] News take() {
    const std::lock_guard lock{mutex_};
    ready_ = false;
    return std::exchange(news_, {});
  }

 private:
  void set(bool News::*what) {
    const std::lock_guard lock{mutex_};
    news_.*what = true;
    tell();
  }
  void tell() {
    ready_ = true;
    changed_.notify_one();
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  News news_{};
  bool ready_{false};
};

}  // namespace memctl::cli
