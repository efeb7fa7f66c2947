// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "memctl/resize.hpp"

namespace memctl {

/// Calls the on_event of one resize or recovery until it throws. A `CallbackQueue` runs the
/// program's function later, on another thread: `current` tells the queue whose function that is,
/// so that the resize ends wherever the function throws. Thread-safe.
class EventCaller : public std::enable_shared_from_this<EventCaller> {
 public:
  using OnEvent = std::function<void(const Event&)>;

  /// `on_throw` gets what was thrown, in words: once, on the thread on which it was thrown, and not
  /// after `end`. It must not block.
  EventCaller(OnEvent on_event, std::function<void(std::string)> on_throw)
      : on_event_{std::move(on_event)}, on_throw_{std::move(on_throw)} {}

  /// Calls the on_event. Exceptions: those of the on_event.
  void call(const Event& event);
  /// Runs the program's function for an event of this caller, unless it has thrown before.
  /// Exceptions: those of `function`.
  void run(const OnEvent& function, const Event& event);
  /// The resize or recovery has ended.
  void end();

  /// The caller whose `call` is under way on this thread. Null: there is none.
  [[nodiscard]] static std::shared_ptr<EventCaller> current();

 private:
  [[nodiscard]] bool has_thrown() const;
  void threw(std::string what);

  const OnEvent on_event_;
  mutable std::mutex mutex_{};
  std::function<void(std::string)> on_throw_;
  bool has_thrown_{false};
};

}  // namespace memctl
