// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <future>
#include <utility>
#include <vector>

#include "memctl/error.hpp"

namespace memctl {

/// What the host's thread calls when something has ended. Belongs to that thread. A listener must
/// not throw.
class Listeners {
 public:
  /// Tells `then` once at the end, or now if that is past.
  void add(std::function<void()> then);
  void tell();

 private:
  std::vector<std::function<void()>> waiting_{};
  bool told_{false};
};

/// A result that the host's thread makes, and those who wait for it. Any thread may hold it.
template <class T>
struct Answer {
  Answer() = default;
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;

  [[nodiscard]] bool is_there() const {
    return ended.wait_for(std::chrono::seconds{0}) == std::future_status::ready;
  }
  /// The host's thread gives the result, or the exception that a bug of ours threw. Once.
  void give(Result<T> result) {
    promise.set_value(std::move(result));
    listeners.tell();
  }
  void give_up(const std::exception_ptr& thrown) {
    promise.set_exception(thrown);
    listeners.tell();
  }

  std::promise<Result<T>> promise{};
  std::shared_future<Result<T>> ended{promise.get_future().share()};
  Listeners listeners{};
};

}  // namespace memctl
