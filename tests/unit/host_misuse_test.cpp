// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Calls from a callback, and in a forked child: an error at once, never a hang.
#include <gtest/gtest.h>
#include <poll.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "memctl/callback_queue.hpp"
#include "memctl/host.hpp"
#include "simulated_host.hpp"
#include "support/sanitizers.hpp"

namespace memctl {
namespace {

template <class T>
std::optional<Cause> cause_of(const Result<T>& result) {
  if (result) return std::nullopt;
  return result.error().cause;
}

/// The causes of every kind of call that blocks, while `operation` has not ended.
std::vector<std::optional<Cause>> causes_of_blocking_calls(const Host& host, const Domain& domain,
                                                           const Operation& operation) {
  const auto waited = operation.wait_for(std::chrono::hours{1});
  return {cause_of(host.domain("g0")), cause_of(host.domains()),
          cause_of(host.doctor()),     cause_of(host.status_all()),
          cause_of(host.recover()),    cause_of(domain.status()),
          cause_of(domain.doctor()),   cause_of(domain.plan_resize(1_GiB)),
          cause_of(domain.recover()),  cause_of(domain.ask_status().wait()),
          cause_of(operation.wait()),  waited ? cause_of(*waited) : std::nullopt};
}

TEST_F(SimulatedHost, ABlockingCallInACallbackIsRefusedAtOnce) {
  write("1");  // no operation has ended by then
  const Host host = Host::open(uri()).value();
  const Domain domain = host.domain("g0").value();
  const Operation other = host.domain("g1").value().resize(2_GiB);
  std::promise<std::vector<std::optional<Cause>>> causes;
  ResizeOptions options;
  options.on_event = [&, told = false](const Event&) mutable {
    if (std::exchange(told, true)) return;
    causes.set_value(causes_of_blocking_calls(host, domain, other));
  };
  const Operation operation = domain.resize(2_GiB, std::move(options));
  for (const auto& cause : causes.get_future().get()) EXPECT_EQ(cause, Cause::not_permitted);
  EXPECT_TRUE(domain.status()) << "outside of the callback it works";
}

TEST_F(SimulatedHost, ARecoveryThatIsRefusedInACallbackDoesNotBegin) {
  write_text(R"({"host":"24GiB","guests":[{"name":"g0","type":"pv"},
                 {"name":"damaged","type":"pv","journal":"nobody can read this"}]})");
  std::vector<std::string> lines;
  {
    const Host host =
        Host::open(uri(), {.on_log = [&](const LogLine& line) { lines.push_back(line.message); }})
            .value();
    const Domain damaged = host.domain("damaged").value();
    std::promise<std::optional<Cause>> refused;
    host.domain("g0").value().ask_status().on_end(
        [&] { refused.set_value(cause_of(damaged.recover())); });
    EXPECT_EQ(refused.get_future().get(), Cause::not_permitted);
    EXPECT_TRUE(host.doctor()) << "what had begun before this has ended";
  }
  EXPECT_TRUE(lines.empty()) << lines.front();
}

TEST_F(SimulatedHost, ACallbackMayStartTheNextOperationAndAsk) {
  const Host host = Host::open(uri()).value();
  const Domain domain = host.domain("g0").value();
  std::promise<Operation> next;
  std::promise<Pending<DomainStatus>> asked;
  const Operation first = domain.resize(512_MiB);
  first.on_end([&] {
    EXPECT_TRUE(first.wait()) << "it has ended, so nothing waits";
    next.set_value(domain.resize(1_GiB));
    asked.set_value(domain.ask_status());
  });
  EXPECT_TRUE(next.get_future().get().wait());
  EXPECT_TRUE(asked.get_future().get().wait());
}

/// How a resize of g0 ended. Nothing: it was verified.
std::optional<Cause> cause_of_resize(const Host& host, SizeRequest size, ResizeOptions options) {
  return cause_of(host.domain("g0").value().resize(size, std::move(options)).wait());
}

TEST_F(SimulatedHost, TimesAndSizesBeyondAllMeasureOverflowNothing) {
  const Host host = Host::open(uri()).value();
  constexpr auto ever = std::chrono::milliseconds::max();
  constexpr Kib vast{std::numeric_limits<std::int64_t>::max()};
  const Operation operation = host.domain("g0").value().resize(
      2_GiB, {.timeout = ever, .stall = ever, .host_reserve = -vast});
  const auto ended = operation.wait_for(ever);
  ASSERT_TRUE(ended) << "the wait ended at once";
  EXPECT_EQ(cause_of(*ended), std::nullopt);
  const auto never = std::chrono::milliseconds::min();
  EXPECT_FALSE(host.domain("g1").value().resize(2_GiB).wait_for(never));
  EXPECT_EQ(cause_of_resize(host, 3_GiB, {.timeout = never}), Cause::deadline);
  EXPECT_EQ(cause_of_resize(host, 3_GiB, {.host_reserve = vast}), Cause::host_memory);
  EXPECT_EQ(cause_of_resize(host, vast, {}), Cause::invalid_size);
  EXPECT_EQ(cause_of_resize(host, -vast, {}), Cause::below_floor);
  EXPECT_EQ(cause_of_resize(host, SizeRequest::relative(vast), {}), Cause::invalid_size);
  EXPECT_EQ(cause_of_resize(host, SizeRequest::relative(-vast), {}), Cause::below_floor);
  const auto plan = host.domain("g0").value().plan_resize(vast, {.stall = ever});
  EXPECT_EQ(cause_of(plan), Cause::invalid_size);
}

/// As long as it exists, no thread can be started, as when the system has too many.
class NoThreads {
 public:
  NoThreads() {
    pthread_getattr_default_np(&usual_);
    pthread_attr_t vast = usual_;
    pthread_attr_setstacksize(&vast, std::size_t{1} << 46U);
    pthread_setattr_default_np(&vast);
  }
  NoThreads(const NoThreads&) = delete;
  NoThreads& operator=(const NoThreads&) = delete;
  ~NoThreads() { pthread_setattr_default_np(&usual_); }

 private:
  pthread_attr_t usual_{};
};

TEST(Host, WithoutAThreadForItIsAnErrorAndNoException) {
  {
    const NoThreads none;
    const auto host = Host::open("sim:");
    ASSERT_EQ(cause_of(host), Cause::not_permitted);
    EXPECT_EQ(host.error().raw, EAGAIN);
    EXPECT_FALSE(host.error().hint.empty());
  }
  EXPECT_TRUE(Host::open("sim:"));
}

TEST(Host, AHostThatIsDroppedInACallbackIsClosedOnceThereIsAThreadForThat) {
  std::promise<void> closed;
  std::shared_ptr<void> of_log{nullptr, [&](void*) { closed.set_value(); }};
  std::optional<Host> host = Host::open("sim:", {.on_log = [of_log](const LogLine&) {}}).value();
  of_log.reset();
  std::optional<Domain> domain = host->domain("demo-pv").value();
  std::promise<void> asked;
  std::promise<void> dropped;
  std::optional<NoThreads> none;
  domain->ask_status().on_end([&] {
    asked.get_future().wait();
    none.emplace();
    host.reset();
    domain.reset();
    dropped.set_value();
  });
  asked.set_value();
  dropped.get_future().wait();
  none.reset();
  closed.get_future().wait();
}

#ifndef MEMCTL_NO_WORK_AFTER_FORK
/// Whether `check` is true in a forked child. A child that hangs is killed, and then it is not.
bool holds_in_child(const std::function<bool()>& check) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(30);
    ::_exit(check() ? 0 : 1);
  }
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST_F(SimulatedHost, AForkedChildIsRefusedEverythingAtOnceAndHarmsNothing) {
  write("1");
  std::optional<Host> host = Host::open(uri()).value();
  std::optional<Domain> domain = host->domain("g0").value();
  std::optional<Operation> operation = domain->resize(2_GiB);
  EXPECT_TRUE(holds_in_child([&] {
    for (const auto& cause : causes_of_blocking_calls(*host, *domain, *operation)) {
      if (cause != Cause::not_permitted) return false;
    }
    int told = 0;
    operation->on_end([&] { ++told; });
    domain->ask_status().on_end([&] { ++told; });
    operation->cancel();
    const Operation refused = domain->resize(1_GiB);
    if (told != 2 || operation->done() || !refused.done()) return false;
    if (cause_of(refused.wait()) != Cause::not_permitted) return false;
    operation.reset();
    domain.reset();
    host.reset();
    return true;
  }));
  EXPECT_FALSE(operation->done()) << "the child cancelled nothing";
  EXPECT_TRUE(domain->status());
}

TEST_F(SimulatedHost, AForkedChildCanOpenAHostOfItsOwn) {
  const Host host = Host::open(uri()).value();
  EXPECT_TRUE(holds_in_child([&] {
    const auto own = Host::open(uri());
    return own && own.value().domain("g0") &&
           own.value().domain("g0").value().resize(512_MiB).wait();
  }));
}

TEST(CallbackQueue, AForkedChildAddsNothingAndDoesNotWakeItsParent) {
  const CallbackQueue queue = CallbackQueue::open().value();
  int called = 0;
  const auto plain = queue.bind([&] { ++called; });
  const auto event = queue.bind([&](const Event&) { ++called; });
  EXPECT_TRUE(holds_in_child([&] {
    plain();
    event({});
    return queue.dispatch() == 0 && called == 0;
  }));
  pollfd one{.fd = queue.fd(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&one, 1, 0), 0) << "the parent's loop would spin for ever";
  plain();
  EXPECT_EQ(queue.dispatch(), 1U) << "the parent goes on";
}
#endif

}  // namespace
}  // namespace memctl
