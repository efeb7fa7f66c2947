// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "memctl/error.hpp"

namespace memctl {

/// An answer that is under way. A cheap handle: copies share the answer, and keep the connection to
/// the host open. Thread-safe. If the last handle is dropped, the host still finishes what was
/// asked. `memctl/asio.hpp` awaits it with Boost.Asio.
template <class T>
class Pending {
 public:
  /// The library implements it.
  class State {
   public:
    virtual ~State() = default;
    [[nodiscard]] virtual bool done() const = 0;
    [[nodiscard]] virtual Result<T> wait() const = 0;
    [[nodiscard]] virtual std::optional<Result<T>> wait_for(
        std::chrono::milliseconds time) const = 0;
    virtual void on_end(std::function<void()> then) const = 0;
  };
  explicit Pending(std::shared_ptr<const State> state) : state_{std::move(state)} {}

  /// Whether the answer is there: then `wait` returns without blocking. Does not block.
  [[nodiscard]] bool done() const { return state_->done(); }
  /// Blocks until the answer is there, and returns it: at every call the same.
  [[nodiscard]] Result<T> wait() const { return state_->wait(); }
  /// The same, but blocks for `time` at most. Nothing: the answer is still under way. `time` is
  /// real time, also on a simulated host.
  [[nodiscard]] std::optional<Result<T>> wait_for(std::chrono::milliseconds time) const {
    return state_->wait_for(time);
  }
  /// Calls `then` once when the answer is there, or soon if it is there already. `then` runs on the
  /// host's thread and must not block. Exceptions of `then` are ignored. Does not block.
  void on_end(std::function<void()> then) const { state_->on_end(std::move(then)); }

 private:
  std::shared_ptr<const State> state_;
};

}  // namespace memctl
