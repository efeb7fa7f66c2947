// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <thread>
#include <vector>

#include "support/simulation.hpp"

namespace memctl::host::sim {
namespace {

using namespace std::chrono_literals;
using boost::asio::awaitable;
using test::Simulation;

TEST(VirtualClock, CallsEventsByTimeAndThenInTheOrderOfScheduling) {
  VirtualClock clock;
  std::vector<int> order;
  const TimePoint start = clock.now();
  clock.post(start + 2s, [&] { order.push_back(3); });
  clock.post(start + 1s, [&] { order.push_back(1); });
  clock.post(start + 1s, [&] { order.push_back(2); });
  clock.advance(1500ms);
  EXPECT_EQ(order, (std::vector{1, 2}));
  EXPECT_EQ(clock.now(), start + 1500ms);
  clock.advance(1h);
  EXPECT_EQ(order, (std::vector{1, 2, 3}));
}

TEST(VirtualClock, AnEventEndsWithItsHandleAndAHandleMayOutliveTheClock) {
  bool called = false;
  VirtualClock::Event survivor;
  {
    VirtualClock clock;
    {
      const auto event = clock.schedule_in(1s, [&] { called = true; });
      EXPECT_TRUE(event.pending());
    }
    clock.advance(2s);
    survivor = clock.schedule_in(1s, [&] { called = true; });
  }
  EXPECT_FALSE(survivor.pending());
  EXPECT_FALSE(called);
}

TEST(VirtualClock, AnEventInThePastIsTheNextOne) {
  VirtualClock clock;
  bool called = false;
  clock.post(clock.now() - 1h, [&] { called = true; });
  const TimePoint before = clock.now();
  EXPECT_TRUE(clock.step());
  EXPECT_TRUE(called);
  EXPECT_EQ(clock.now(), before);
  EXPECT_FALSE(clock.step());
}

awaitable<Duration> wait_for(Clock& clock, Wakeup& wakeup, Duration duration) {
  const TimePoint before = clock.now();
  co_await clock.wait(wakeup, before + duration);
  co_return clock.now() - before;
}

TEST(ClockWait, LastsAsLongAsAskedInVirtualTime) {
  Simulation sim;
  Wakeup wakeup;
  EXPECT_EQ(sim.run(wait_for(sim.port().clock(), wakeup, 24h)), 24h);
  EXPECT_EQ(sim.run(wait_for(sim.port().clock(), wakeup, 0s)), 0s);
}

TEST(ClockWait, EndsWithANotificationAndTakesIt) {
  Simulation sim;
  Wakeup wakeup;
  sim.world.after(3s, [&] { wakeup.notify(); });
  EXPECT_EQ(sim.run(wait_for(sim.port().clock(), wakeup, 1h)), 3s);
  EXPECT_FALSE(wakeup.pending());
}

TEST(ClockWait, ANotificationBeforehandEndsItAtOnce) {
  Simulation sim;
  Wakeup wakeup;
  wakeup.notify();
  EXPECT_EQ(sim.run(wait_for(sim.port().clock(), wakeup, 1h)), 0s);
  EXPECT_EQ(sim.run(wait_for(sim.port().clock(), wakeup, 1s)), 1s);
}

TEST(ClockWait, WithoutAnEndIsRousedByANotification) {
  Simulation sim;
  Wakeup wakeup;
  sim.world.after(3s, [&] { wakeup.notify(); });
  const auto wait = [&]() -> awaitable<bool> {
    co_await sim.port().clock().wait(wakeup, TimePoint::max());
    co_return true;
  };
  EXPECT_TRUE(sim.run(wait()));
}

TEST(SimConnection, TimeStandsStillUnlessAThreadWaits) {
  Simulation sim;
  bool happened = false;
  sim.world.after(1s, [&] { happened = true; });
  sim.connection.run();
  EXPECT_FALSE(happened);
}

TEST(SimConnection, AWaitForWhatCannotHappenIsToldApart) {
  Simulation sim;
  Wakeup wakeup;
  const auto wait = [&]() -> awaitable<bool> {
    co_await sim.port().clock().wait(wakeup, TimePoint::max());
    co_return true;
  };
  EXPECT_THROW(sim.run(wait()), std::logic_error);
}

TEST(SimConnection, WaitsForWhatOtherThreadsBring) {
  Simulation sim;
  auto work = boost::asio::make_work_guard(sim.context);
  int handled = 0;
  std::thread other{[&] {
    boost::asio::post(sim.context, [&] {
      ++handled;
      work.reset();
    });
  }};
  sim.connection.run();
  other.join();
  EXPECT_EQ(handled, 1);
}

TEST(SimConnection, SeveralCoroutinesShareOneTime) {
  Simulation sim;
  std::vector<int> order;
  const auto sleeper = [&](int id, Duration duration) -> awaitable<void> {
    Wakeup wakeup;
    co_await sim.port().clock().wait(wakeup, sim.now() + duration);
    order.push_back(id);
  };
  boost::asio::co_spawn(sim.context, sleeper(1, 20s), boost::asio::detached);
  boost::asio::co_spawn(sim.context, sleeper(2, 10s), boost::asio::detached);
  sim.connection.run();
  EXPECT_EQ(order, (std::vector{2, 1}));
}

TEST(SimConnection, WithAPaceTimePassesNoFasterThanThat) {
  Simulation sim;
  sim.connection.set_pace(100.0);
  Wakeup wakeup;
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(sim.run(wait_for(sim.port().clock(), wakeup, 3s)), 3s);
  EXPECT_GE(std::chrono::steady_clock::now() - before, 29ms);
}

}  // namespace
}  // namespace memctl::host::sim
