// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The worker threads and the clock of the real host, which need no Xen.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <future>
#include <stdexcept>
#include <string>
#include <vector>

#include "host/xen/clock.hpp"
#include "host/xen/workers.hpp"

namespace memctl::host::xen {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using testing::ElementsAre;

constexpr DomainId web{1};
constexpr DomainId mail{2};

// ---- Workers

TEST(Workers, BringsResultsBackToTheExecutor) {
  asio::io_context context;
  Workers workers{context.get_executor()};
  const auto here = std::this_thread::get_id();
  bool elsewhere = false;
  bool back = false;
  int answer = 0;
  asio::co_spawn(
      context,
      [&]() -> asio::awaitable<void> {
        const auto result = co_await workers.call(web, [&]() -> Result<int> {
          elsewhere = std::this_thread::get_id() != here;
          return 42;
        });
        back = std::this_thread::get_id() == here;
        answer = result.value();
      },
      asio::detached);
  context.run();
  EXPECT_TRUE(elsewhere);
  EXPECT_TRUE(back);
  EXPECT_EQ(answer, 42);
}

TEST(Workers, RunOnThreadsThatTakeNoSignalsAndHaveAName) {
  asio::io_context context;
  Workers workers{context.get_executor()};
  std::array<char, 16> name{};
  sigset_t blocked{};
  asio::co_spawn(
      context,
      [&]() -> asio::awaitable<void> {
        (void)co_await workers.call(web, [&]() -> Result<void> {
          pthread_getname_np(pthread_self(), name.data(), name.size());
          pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
          return success();
        });
      },
      asio::detached);
  context.run();
  EXPECT_STREQ(name.data(), "memctl-libxl");
  for (const int number : {SIGINT, SIGTERM, SIGCHLD, SIGPIPE, SIGUSR1, SIGRTMIN, SIGRTMAX}) {
    EXPECT_EQ(sigismember(&blocked, number), 1) << number;
  }
}

TEST(Workers, BringsErrorsAndExceptionsBack) {
  asio::io_context context;
  Workers workers{context.get_executor()};
  Cause cause{};
  bool thrown = false;
  asio::co_spawn(
      context,
      [&]() -> asio::awaitable<void> {
        const auto failed = co_await workers.call(
            web, []() -> Result<void> { return Error{.cause = Cause::store_error}; });
        cause = failed.error().cause;
        try {
          (void)co_await workers.call(web,
                                      []() -> Result<void> { throw std::runtime_error{"no"}; });
        } catch (const std::runtime_error&) {
          thrown = true;
        }
      },
      asio::detached);
  context.run();
  EXPECT_EQ(cause, Cause::store_error);
  EXPECT_TRUE(thrown);
}

TEST(Workers, MakesCallsInTheirOrder) {
  asio::io_context context;
  Workers workers{context.get_executor()};
  std::vector<int> order;
  for (int i = 0; i < 5; ++i) {
    asio::co_spawn(
        context,
        [&, i]() -> asio::awaitable<void> {
          (void)co_await workers.call(web, [&, i]() -> Result<void> {
            order.push_back(i);
            return success();
          });
        },
        asio::detached);
  }
  context.run();
  EXPECT_THAT(order, ElementsAre(0, 1, 2, 3, 4));
}

/// A call that blocks until the test lets it go on.
struct Gate {
  std::promise<void> entered;
  std::promise<void> open;
  std::atomic<bool> passed{false};
  Result<void> pass() {
    entered.set_value();
    open.get_future().wait();
    passed = true;
    return success();
  }
};

asio::awaitable<void> until_ready(const std::future<void>& future) {
  asio::steady_timer timer{co_await asio::this_coro::executor};
  while (future.wait_for(0s) != std::future_status::ready) {
    timer.expires_after(1ms);
    co_await timer.async_wait(asio::use_awaitable);
  }
}

TEST(Workers, CancellingEndsTheWaitAndNotTheCall) {
  using namespace asio::experimental::awaitable_operators;
  Gate gate;
  const auto entered = gate.entered.get_future();
  bool queued_was_made = false;
  Cause cause{};
  {
    asio::io_context context;
    Workers workers{context.get_executor()};
    asio::co_spawn(
        context,
        [&]() -> asio::awaitable<void> {
          const auto first =
              co_await (workers.call(web, [&] { return gate.pass(); }) || until_ready(entered));
          EXPECT_EQ(first.index(), 1U);
          // The first call still runs, so this call waits for its turn and never gets it.
          const auto queued = co_await (workers.call(web, [&]() -> Result<void> {
            queued_was_made = true;
            return success();
          }) || until_ready(entered));
          EXPECT_EQ(queued.index(), 1U);
          gate.open.set_value();
          cause = (co_await workers.call(
                       web, []() -> Result<void> { return Error{.cause = Cause::deadline}; }))
                      .error()
                      .cause;
        },
        asio::detached);
    context.run();
  }
  EXPECT_EQ(cause, Cause::deadline);
  EXPECT_FALSE(queued_was_made);
  EXPECT_TRUE(gate.passed);
}

TEST(Workers, GoPastADomainWhoseLockAnotherToolHolds) {
  asio::io_context context;
  Workers workers{context.get_executor()};
  Gate gate;
  std::vector<std::string> order;
  const auto call = [&](DomainId domain, std::function<Result<void>()> work,
                        std::string name) -> asio::awaitable<void> {
    (void)co_await workers.call(domain, std::move(work));
    order.push_back(std::move(name));
    if (order.size() == 2) gate.open.set_value();
  };
  const auto at_once = [] { return success(); };
  asio::co_spawn(context,
                 call(
                     web, [&] { return gate.pass(); }, "web, locked"),
                 asio::detached);
  asio::co_spawn(context, call(web, at_once, "web, behind it"), asio::detached);
  asio::co_spawn(context, call(mail, at_once, "mail"), asio::detached);
  asio::co_spawn(context, call(mail, at_once, "mail again"), asio::detached);
  context.run();
  EXPECT_THAT(order, ElementsAre("mail", "mail again", "web, locked", "web, behind it"));
}

TEST(Workers, KeepAFurtherDomainWaitingIfTooManyAreLocked) {
  asio::io_context context;
  Workers workers{context.get_executor()};
  std::array<Gate, Workers::most_threads> gates;
  bool all_entered = false;
  int answered = 0;
  const auto call = [&](DomainId domain,
                        std::function<Result<void>()> work) -> asio::awaitable<void> {
    EXPECT_TRUE(co_await workers.call(domain, std::move(work)));
    ++answered;
  };
  for (std::size_t i = 0; i < gates.size(); ++i) {
    asio::co_spawn(
        context, call(DomainId{static_cast<std::uint32_t>(i)}, [&, i] { return gates[i].pass(); }),
        asio::detached);
  }
  asio::co_spawn(context,
                 call(DomainId{1000},
                      [&]() -> Result<void> {
                        EXPECT_TRUE(all_entered);
                        return success();
                      }),
                 asio::detached);
  context.poll();
  for (Gate& gate : gates) gate.entered.get_future().wait();
  all_entered = true;
  for (Gate& gate : gates) gate.open.set_value();
  context.run();
  EXPECT_EQ(answered, static_cast<int>(gates.size()) + 1);
}

TEST(Workers, OutlivesACoroutineThatNeverGetsItsResult) {
  Gate gate;
  auto context = std::make_unique<asio::io_context>();
  auto workers = std::make_unique<Workers>(context->get_executor());
  asio::co_spawn(
      *context,
      [&]() -> asio::awaitable<void> {
        (void)co_await workers->call(web, [&] { return gate.pass(); });
        ADD_FAILURE() << "nobody ran the context any more";
      },
      asio::detached);
  context->poll();
  gate.entered.get_future().wait();
  std::thread releaser{[&] { gate.open.set_value(); }};
  workers.reset();  // Waits for the call.
  releaser.join();
  EXPECT_TRUE(gate.passed);
  context.reset();  // Destroys the coroutine.
}

// ---- SteadyClock

TEST(SteadyClock, WaitsUntilTheGivenTime) {
  asio::io_context context;
  SteadyClock clock{context.get_executor()};
  Wakeup wakeup;
  const auto begin = clock.now();
  asio::co_spawn(
      context, [&]() -> asio::awaitable<void> { co_await clock.wait(wakeup, begin + 20ms); },
      asio::detached);
  context.run();
  EXPECT_GE(clock.now() - begin, 20ms);
}

TEST(SteadyClock, ANotificationBeforeOrDuringAWaitEndsItAndIsTaken) {
  asio::io_context context;
  SteadyClock clock{context.get_executor()};
  Wakeup wakeup;
  wakeup.notify();
  int ended = 0;
  const auto begin = clock.now();
  asio::co_spawn(
      context,
      [&]() -> asio::awaitable<void> {
        co_await clock.wait(wakeup, begin + 1h);
        ++ended;
        EXPECT_FALSE(wakeup.pending());
        asio::post(context, [&] { wakeup.notify(); });
        co_await clock.wait(wakeup, begin + 1h);
        ++ended;
        EXPECT_FALSE(wakeup.pending());
      },
      asio::detached);
  context.run();
  EXPECT_EQ(ended, 2);
  EXPECT_LT(clock.now() - begin, 1min);
}

TEST(SteadyClock, LeavesNothingBehindInTheWakeupOfADestroyedWait) {
  Wakeup wakeup;
  {
    asio::io_context context;
    SteadyClock clock{context.get_executor()};
    asio::co_spawn(
        context, [&]() -> asio::awaitable<void> { co_await clock.wait(wakeup, clock.now() + 1h); },
        asio::detached);
    context.poll();
  }
  wakeup.notify();
  EXPECT_TRUE(wakeup.pending());
}

}  // namespace
}  // namespace memctl::host::xen
