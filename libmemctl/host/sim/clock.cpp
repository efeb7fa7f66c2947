// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/sim/clock.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace memctl::host::sim {

void VirtualClock::Event::cancel() {
  if (const auto queue = queue_.lock()) queue->events.erase(key_);
  queue_.reset();
}

bool VirtualClock::Event::pending() const {
  const auto queue = queue_.lock();
  return queue && queue->events.contains(key_);
}

VirtualClock::Event VirtualClock::schedule(TimePoint when, Action action) {
  const Key key{std::max(when, queue_->now), queue_->scheduled++};
  queue_->events.emplace(key, std::move(action));
  return Event{queue_, key};
}

void VirtualClock::post(TimePoint when, Action action) {
  queue_->events.emplace(Key{std::max(when, queue_->now), queue_->scheduled++}, std::move(action));
}

std::optional<TimePoint> VirtualClock::next() const {
  if (queue_->events.empty()) return std::nullopt;
  return queue_->events.begin()->first.first;
}

bool VirtualClock::step() {
  if (queue_->events.empty()) return false;
  const auto queue = queue_;  // an action may destroy the world and its clock
  const auto event = queue->events.extract(queue->events.begin());
  queue->now = event.key().first;
  event.mapped()();
  return true;
}

void VirtualClock::advance(Duration duration) {
  const TimePoint until = now() + duration;
  for (auto due = next(); due && *due <= until; due = next()) step();
  queue_->now = until;
}

boost::asio::awaitable<void> VirtualClock::wait(Wakeup& wakeup, TimePoint until) {
  if (wakeup.take() || until <= now()) co_return;

  // This timer is never due. It suspends the coroutine, and counts as work of the context
  // meanwhile.
  boost::asio::steady_timer sleeper{co_await boost::asio::this_coro::executor, TimePoint::max()};
  Event alarm;
  if (until != TimePoint::max()) {
    alarm = schedule(until, [&sleeper] { sleeper.cancel(); });
  }
  wakeup.on_notify([&sleeper] { sleeper.cancel(); });

  struct Waiting {
    std::shared_ptr<Queue> queue;
    Wakeup& wakeup;
    Waiting(std::shared_ptr<Queue> of, Wakeup& on) : queue{std::move(of)}, wakeup{on} {
      ++queue->waiters;
    }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    ~Waiting() {
      --queue->waiters;
      wakeup.on_notify({});
    }
  } waiting{queue_, wakeup};
  static_cast<void>(co_await sleeper.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable)));
  static_cast<void>(wakeup.take());
}

}  // namespace memctl::host::sim
