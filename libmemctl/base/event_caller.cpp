// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/event_caller.hpp"

#include <utility>

#include "base/thrown.hpp"

namespace memctl {
namespace {

thread_local std::shared_ptr<EventCaller> calling{};

/// Exists while a call is under way on this thread.
class Calling {
 public:
  explicit Calling(std::shared_ptr<EventCaller> caller)
      : outer_{std::exchange(calling, std::move(caller))} {}
  Calling(const Calling&) = delete;
  Calling& operator=(const Calling&) = delete;
  ~Calling() { calling = std::move(outer_); }

 private:
  std::shared_ptr<EventCaller> outer_;
};

}  // namespace

std::shared_ptr<EventCaller> EventCaller::current() { return calling; }

void EventCaller::call(const Event& event) {
  const Calling under_way{shared_from_this()};
  run(on_event_, event);
}

void EventCaller::run(const OnEvent& function, const Event& event) {
  if (has_thrown()) return;
  try {
    function(event);
  } catch (...) {
    threw(what_was_thrown());
    throw;
  }
}

void EventCaller::end() {
  const std::lock_guard lock{mutex_};
  on_throw_ = nullptr;
}

bool EventCaller::has_thrown() const {
  const std::lock_guard lock{mutex_};
  return has_thrown_;
}

void EventCaller::threw(std::string what) {
  const std::lock_guard lock{mutex_};
  if (!std::exchange(has_thrown_, true) && on_throw_) on_throw_(std::move(what));
}

}  // namespace memctl
