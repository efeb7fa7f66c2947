// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Operations and answers, awaited with Boost.Asio.
#include <gtest/gtest.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>

#include "memctl/asio.hpp"
#include "memctl/host.hpp"
#include "simulated_host.hpp"

namespace memctl {
namespace {

using boost::asio::awaitable;

TEST_F(SimulatedHost, AnOperationIsAwaitedWhereTheCoroutineRuns) {
  Host host = Host::open(uri()).value();
  boost::asio::io_context context;
  std::thread::id resumed_on;
  auto coroutine = [&]() -> awaitable<void> {
    const Operation operation = host.domain("g0").value().resize(1_GiB);
    const Result<Report> report = co_await async_wait(operation);
    EXPECT_TRUE(report) << report.error().message;
    resumed_on = std::this_thread::get_id();
    // on_end may call the host, and wait for an operation that has ended already.
    EXPECT_TRUE(host.domain("g0").value().status());
    EXPECT_TRUE(co_await async_wait(operation));
  };
  boost::asio::co_spawn(context, coroutine(), boost::asio::detached);
  context.run();
  EXPECT_EQ(resumed_on, std::this_thread::get_id());
}

TEST_F(SimulatedHost, AnOperationTakesEveryCompletionToken) {
  Host host = Host::open(uri()).value();
  const Domain domain = host.domain("g1").value();
  EXPECT_TRUE(async_wait(domain.resize(512_MiB), boost::asio::use_future).get());
  EXPECT_TRUE(
      async_wait(domain.resize(640_MiB), boost::asio::deferred)(boost::asio::use_future).get());
  // A handler that can only be moved, on a strand of a pool.
  boost::asio::thread_pool pool{2};
  const auto strand = boost::asio::make_strand(pool);
  bool on_strand = false;
  async_wait(domain.resize(768_MiB),
             boost::asio::bind_executor(
                 strand, [&, only_moved = std::make_unique<int>()](const Result<Report>& report) {
                   on_strand = report && strand.running_in_this_thread();
                 }));
  pool.join();  // the wait is work of the pool
  EXPECT_TRUE(on_strand);
}

TEST_F(SimulatedHost, ATimerBesideAnOperationCancelsItAndItIsRestored) {
  using namespace boost::asio::experimental::awaitable_operators;
  write_large_guest("2");  // growing takes a second and more
  const Host host = Host::open(uri()).value();
  const Domain domain = host.domain("g0").value();
  const DomainStatus before = domain.status().value();
  boost::asio::io_context context;
  auto coroutine = [&]() -> awaitable<void> {
    const Operation operation = domain.resize(4_GiB);
    boost::asio::steady_timer timer{context, std::chrono::milliseconds{300}};
    const auto first =
        co_await (async_wait(operation) || timer.async_wait(boost::asio::use_awaitable));
    EXPECT_EQ(first.index(), 1);
    EXPECT_TRUE(operation.done());
    const Result<Report> ended = operation.wait();
    EXPECT_EQ(ended.error().cause, Cause::cancelled);
    EXPECT_EQ(ended.error().report->outcome, Outcome::restored) << ended.error().message;
  };
  boost::asio::co_spawn(context, coroutine(), boost::asio::detached);
  context.run();
  const DomainStatus after = domain.status().value();
  EXPECT_EQ(after.target, before.target);
  EXPECT_EQ(after.limit, before.limit);
  EXPECT_EQ(after.allocated, before.allocated);
}

TEST_F(SimulatedHost, AnOperationThatEndsBeforeTheTimerIsNotCancelled) {
  using namespace boost::asio::experimental::awaitable_operators;
  const Host host = Host::open(uri()).value();
  boost::asio::io_context context;
  auto coroutine = [&]() -> awaitable<void> {
    boost::asio::steady_timer timer{context, std::chrono::hours{1}};
    const auto first = co_await (async_wait(host.domain("g0").value().resize(1_GiB)) ||
                                 timer.async_wait(boost::asio::use_awaitable));
    EXPECT_EQ(first.index(), 0);
    EXPECT_TRUE(std::get<0>(first));
  };
  boost::asio::co_spawn(context, coroutine(), boost::asio::detached);
  context.run();
}

TEST_F(SimulatedHost, ASignalCancelsAnOperationOfAnyHandler) {
  write("1");
  const Host host = Host::open(uri()).value();
  boost::asio::io_context context;
  boost::asio::cancellation_signal signal;
  std::optional<Cause> cause;
  const Operation operation = host.domain("g0").value().resize(4_GiB);
  async_wait(operation, boost::asio::bind_executor(
                            context, boost::asio::bind_cancellation_slot(
                                         signal.slot(), [&](const Result<Report>& report) {
                                           cause = report.error().cause;
                                         })));
  signal.emit(boost::asio::cancellation_type::total);
  context.run();
  EXPECT_EQ(cause, Cause::cancelled);
  signal.emit(boost::asio::cancellation_type::total);  // too late, and harmless
}

TEST_F(SimulatedHost, AnAnswerIsAwaitedAndItsWaitEndsWithACancellation) {
  using namespace boost::asio::experimental::awaitable_operators;
  const Host host = Host::open(uri()).value();
  boost::asio::io_context context;
  auto coroutine = [&]() -> awaitable<void> {
    const Result<DomainStatus> status = co_await async_wait(host.domain("g3").value().ask_status());
    EXPECT_EQ(status.value().domain.name, "g3");
  };
  boost::asio::co_spawn(context, coroutine(), boost::asio::detached);
  context.run();

  // A guest whose agent is silent keeps its questioner for 5 s.
  write_silent("1");
  const Host silent = Host::open(uri()).value();
  boost::asio::cancellation_signal signal;
  std::optional<Cause> cause;
  context.restart();
  async_wait(silent.domain("silent0").value().ask_status(),
             boost::asio::bind_executor(context,
                                        boost::asio::bind_cancellation_slot(
                                            signal.slot(), [&](const Result<DomainStatus>& status) {
                                              cause = status.error().cause;
                                            })));
  signal.emit(boost::asio::cancellation_type::terminal);
  const auto begun = std::chrono::steady_clock::now();
  context.run();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds{3});
  EXPECT_EQ(cause, Cause::cancelled);
}

}  // namespace
}  // namespace memctl
