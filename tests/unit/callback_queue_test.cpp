// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Callbacks on a thread of the program.
#include "memctl/callback_queue.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "memctl/host.hpp"
#include "simulated_host.hpp"

namespace memctl {
namespace {

bool is_readable(int fd, int milliseconds = 0) {
  pollfd one{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&one, 1, milliseconds) == 1 && (one.revents & POLLIN) != 0;
}

TEST(CallbackQueue, ItsDescriptorIsReadableWhileACallbackWaits) {
  const CallbackQueue queue = CallbackQueue::open().value();
  EXPECT_FALSE(is_readable(queue.fd()));
  EXPECT_EQ(queue.dispatch(), 0U);
  std::vector<int> called;
  const auto first = queue.bind([&] { called.push_back(1); });
  const auto second = queue.bind([&] { called.push_back(2); });
  second();
  first();
  second();
  EXPECT_TRUE(called.empty());
  EXPECT_TRUE(is_readable(queue.fd()));
  EXPECT_EQ(queue.dispatch(), 3U);
  EXPECT_EQ(called, (std::vector{2, 1, 2}));
  EXPECT_FALSE(is_readable(queue.fd()));
}

TEST(CallbackQueue, ACallbackThatThrowsDoesNotLoseThoseBehindIt) {
  const CallbackQueue queue = CallbackQueue::open().value();
  int called = 0;
  queue.bind([] { throw std::runtime_error{"out of luck"}; })();
  queue.bind([&] { ++called; })();
  EXPECT_THROW(queue.dispatch(), std::runtime_error);
  EXPECT_TRUE(is_readable(queue.fd()));
  EXPECT_EQ(queue.dispatch(), 1U);
  EXPECT_EQ(called, 1);
}

TEST(CallbackQueue, WhatACallbackAddsWaitsForTheNextTurn) {
  const CallbackQueue queue = CallbackQueue::open().value();
  int called = 0;
  const auto inner = queue.bind([&] { ++called; });
  queue.bind([&] { inner(); })();
  EXPECT_EQ(queue.dispatch(), 1U);
  EXPECT_EQ(called, 0);
  EXPECT_TRUE(is_readable(queue.fd()));
  EXPECT_EQ(queue.dispatch(), 1U);
  EXPECT_EQ(called, 1);
}

TEST(CallbackQueue, OfEventsThatComeTooFastOnlyTheNewestWaits) {
  const CallbackQueue queue = CallbackQueue::open().value();
  std::vector<Kib> seen;
  const auto bound = queue.bind([&](const Event& event) { seen.push_back(event.now); });
  for (int each = 1; each <= 1000; ++each) bound({.phase = Phase::populate, .now = Kib{each}});
  bound({.phase = Phase::verify, .now = Kib{1000}});
  EXPECT_EQ(queue.dispatch(), 2U);
  bound({.phase = Phase::verify, .now = Kib{1001}});
  EXPECT_EQ(queue.dispatch(), 1U);
  EXPECT_EQ(seen, (std::vector{Kib{1000}, Kib{1000}, Kib{1001}}));
}

TEST(CallbackQueue, WithoutAHandleNothingIsCalled) {
  int called = 0;
  std::optional<CallbackQueue> queue = CallbackQueue::open().value();
  const auto bound = queue->bind([&] { ++called; });
  bound();
  queue.reset();
  bound();
  EXPECT_EQ(called, 0);
}

TEST_F(SimulatedHost, AnEventLoopRunsAllCallbacksOnItsOwnThread) {
  const CallbackQueue queue = CallbackQueue::open().value();
  const auto here = std::this_thread::get_id();
  int lines = 0;
  int events = 0;
  bool ended = false;
  const Host host = Host::open(uri(), {.on_log = queue.bind([&](const LogLine&) {
                                 EXPECT_EQ(std::this_thread::get_id(), here);
                                 ++lines;
                               })})
                        .value();
  const Domain domain = host.domain("g0").value();
  ResizeOptions options;
  options.on_event = queue.bind([&](const Event&) {
    EXPECT_EQ(std::this_thread::get_id(), here);
    EXPECT_TRUE(domain.status()) << "it may block";
    ++events;
  });
  const Operation operation = domain.resize(1_GiB, options);
  operation.on_end(queue.bind([&] {
    EXPECT_TRUE(operation.wait());
    ended = true;
  }));
  while (!ended) {
    ASSERT_TRUE(is_readable(queue.fd(), 60'000));
    queue.dispatch();
  }
  EXPECT_GT(lines, 1);
  EXPECT_GT(events, 1);
}

/// Dispatches until the operation has ended and nothing waits. Returns what callbacks threw.
std::vector<std::string> thrown_until_end(const CallbackQueue& queue, const Operation& operation) {
  bool ended = false;
  std::vector<std::string> thrown;
  operation.on_end(queue.bind([&] { ended = true; }));
  while (!ended && is_readable(queue.fd(), 60'000)) {
    try {
      queue.dispatch();
    } catch (const std::runtime_error& error) {
      thrown.emplace_back(error.what());
    }
  }
  return thrown;
}

TEST_F(SimulatedHost, AnOnEventThatThrowsInALoopCancelsItsResizeAsOnTheHostsThread) {
  write("2");  // growing takes a second and more
  const CallbackQueue queue = CallbackQueue::open().value();
  const Host host = Host::open(uri()).value();
  int called = 0;
  const auto bound = queue.bind([&](const Event& event) {
    ++called;
    if (event.phase == Phase::populate) throw std::runtime_error{"no room on the screen"};
  });
  ResizeOptions options;
  options.on_event = [bound](const Event& event) { bound(event); };  // a program may wrap it
  const Operation operation = host.domain("g0").value().resize(4_GiB, options);
  EXPECT_EQ(thrown_until_end(queue, operation), std::vector<std::string>{"no room on the screen"});
  const auto ended = operation.wait();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().cause, Cause::cancelled);
  EXPECT_EQ(ended.error().message, "g0: on_event threw: no room on the screen");
  EXPECT_EQ(ended.error().report->outcome, Outcome::restored);
  const int last = called;
  queue.dispatch();
  EXPECT_EQ(called, last) << "it is not called again";
}

TEST_F(SimulatedHost, OfTwoResizesWithOneOnEventOnlyTheOneWhoseEventThrewIsCancelled) {
  write("2");
  const CallbackQueue queue = CallbackQueue::open().value();
  const Host host = Host::open(uri()).value();
  ResizeOptions options;
  options.on_event = queue.bind([&](const Event& event) {
    if (event.phase == Phase::populate && event.to == 2_GiB) throw std::runtime_error{"too much"};
  });
  const Operation larger = host.domain("g0").value().resize(2_GiB, options);
  const Operation smaller = host.domain("g2").value().resize(1_GiB, options);
  EXPECT_EQ(thrown_until_end(queue, larger), std::vector<std::string>{"too much"});
  EXPECT_EQ(thrown_until_end(queue, smaller), std::vector<std::string>{});
  EXPECT_EQ(larger.wait().error().cause, Cause::cancelled);
  EXPECT_TRUE(smaller.wait());
}

TEST_F(SimulatedHost, AnOnEventThatThrowsAfterTheEndChangesNothing) {
  const CallbackQueue queue = CallbackQueue::open().value();
  const Host host = Host::open(uri()).value();
  ResizeOptions options;
  options.on_event =
      queue.bind([](const Event&) -> void { throw std::runtime_error{"out of luck"}; });
  const Operation operation = host.domain("g0").value().resize(1_GiB, options);
  EXPECT_TRUE(operation.wait());
  EXPECT_EQ(thrown_until_end(queue, operation), std::vector<std::string>{"out of luck"});
  EXPECT_TRUE(operation.wait());
}

}  // namespace
}  // namespace memctl
