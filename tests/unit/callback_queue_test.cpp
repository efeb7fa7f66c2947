// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Callbacks on a thread of the program.
#include "memctl/callback_queue.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <optional>
#include <stdexcept>
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

}  // namespace
}  // namespace memctl
