// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "host/clock.hpp"

namespace memctl::host::sim {

/// Time that stands still between events. Events run in the order of their times. Events with the
/// same time run in the order in which they were scheduled, so a run depends only on its input. A
/// copy is another handle on the same time.
class VirtualClock final : public Clock {
 public:
  using Action = std::function<void()>;
  using Key = std::pair<TimePoint, std::uint64_t>;

 private:
  struct Queue {
    TimePoint now{std::chrono::hours{1}};
    std::uint64_t scheduled{0};
    int waiters{0};
    std::map<Key, Action> events{};
  };

 public:
  /// Cancels its event when it is destroyed. May outlive the clock.
  class Event {
   public:
    Event() = default;
    Event(Event&& other) noexcept : queue_{std::move(other.queue_)}, key_{std::move(other.key_)} {}
    Event& operator=(Event&& other) noexcept {
      cancel();
      queue_ = std::move(other.queue_);
      key_ = other.key_;
      return *this;
    }
    ~Event() { cancel(); }
    void cancel();
    [[nodiscard]] bool pending() const;

   private:
    friend class VirtualClock;
    Event(std::weak_ptr<Queue> queue, Key key) : queue_{std::move(queue)}, key_{key} {}
    std::weak_ptr<Queue> queue_{};
    Key key_{};
  };

  VirtualClock() : queue_{std::make_shared<Queue>()} {}

  [[nodiscard]] TimePoint now() const override { return queue_->now; }
  [[nodiscard]] boost::asio::awaitable<void> wait(Wakeup& wakeup, TimePoint until) override;

  /// Calls `action` at `when`. If `when` is past, `action` is the next event.
  [[nodiscard]] Event schedule(TimePoint when, Action action);
  [[nodiscard]] Event schedule_in(Duration delay, Action action) {
    return schedule(now() + delay, std::move(action));
  }
  /// `schedule` for an event that is never cancelled.
  void post(TimePoint when, Action action);

  /// When the next event is due. Nothing: there is no event.
  [[nodiscard]] std::optional<TimePoint> next() const;
  /// Lets time pass to the next event and runs the event. False: there is no event.
  bool step();
  /// Lets `duration` pass and runs the events in it.
  void advance(Duration duration);
  /// How many coroutines wait on this time.
  [[nodiscard]] int waiters() const { return queue_->waiters; }

 private:
  std::shared_ptr<Queue> queue_;
};

}  // namespace memctl::host::sim
