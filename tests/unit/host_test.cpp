// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The public interface over a simulated host, from several threads.
#include "memctl/host.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <future>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "api/host_state.hpp"
#include "plan/input.hpp"
#include "simulated_host.hpp"

namespace memctl {
namespace {

TEST_F(SimulatedHost, OfTwoThatBeginAtOnceOneIsBusyOrComesSecond) {
  const Host host = Host::open(uri()).value();
  for (const char* name : {"g0", "g1"}) {
    Operation first = host.domain(name).value().resize(2_GiB);
    Operation second = host.domain(name).value().resize(3_GiB);
    const std::vector ended{first.wait(), second.wait()};
    EXPECT_TRUE(ended[0] || ended[1]);
    for (const Result<Report>& one : ended) {
      EXPECT_TRUE(one || one.error().cause == Cause::busy) << one.error().message;
    }
  }
}

TEST_F(SimulatedHost, AnOperationTellsWhetherItHasEndedAndOfWhichDomain) {
  write("1");  // no operation has ended by then
  const Host host = Host::open(uri()).value();
  const Operation operation = host.domain("g1").value().resize(2_GiB);
  EXPECT_EQ(operation.domain(), host.domain("g1").value().identity());
  EXPECT_FALSE(operation.done());
  EXPECT_FALSE(operation.wait_for(std::chrono::milliseconds{1}));
  operation.cancel();
  const auto ended = operation.wait_for(std::chrono::minutes{10});
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->error().cause, Cause::cancelled);
  EXPECT_TRUE(operation.done());
  EXPECT_EQ(operation.wait_for(std::chrono::milliseconds{0})->error().cause, Cause::cancelled);
}

TEST_F(SimulatedHost, AnAnswerTellsWhetherItIsThere) {
  const Host host = Host::open(uri()).value();
  const Pending<DomainStatus> pending = host.domain("g1").value().ask_status();
  std::promise<void> told;
  pending.on_end([&] { told.set_value(); });
  told.get_future().get();
  EXPECT_TRUE(pending.done());
  EXPECT_EQ(pending.wait_for(std::chrono::milliseconds{0})->value().domain.name, "g1");
}

/// The host's own time.
host::TimePoint now(HostState& state) {
  return state
      .call([](host::Port& port) -> host::Task<host::TimePoint> { co_return port.clock().now(); })
      .value();
}

TEST_F(SimulatedHost, SilentAgentsCostOneAnswerTimeForTheWholeHost) {
  write_silent("1e6");
  const auto state = HostState::over(HostThread::open(uri()).value());
  const Host all{state};
  host::TimePoint begun = now(*state);
  const auto statuses = all.status_all().value();
  ASSERT_EQ(statuses.size(), domain_count);
  for (int each = 0; each < domain_count; ++each) {
    const auto& of_one = statuses[static_cast<std::size_t>(each)];
    EXPECT_EQ(of_one.domain.name, "silent" + std::to_string(each));
    EXPECT_EQ(of_one.result.value().refused_by, Cause::agent_absent);
  }
  EXPECT_GE(now(*state) - begun, std::chrono::seconds{5});
  EXPECT_LT(now(*state) - begun, std::chrono::seconds{6});

  begun = now(*state);
  EXPECT_EQ(all.doctor_all().value().size(), domain_count);
  EXPECT_LT(now(*state) - begun, std::chrono::seconds{6});

  begun = now(*state);
  std::vector<Pending<Plan>> plans;
  const std::vector<Domain> domains = all.domains().value();
  for (const Domain& domain : domains) plans.push_back(domain.ask_plan(1_GiB));
  for (const auto& plan : plans) EXPECT_EQ(plan.wait().error().cause, Cause::agent_absent);
  EXPECT_LT(now(*state) - begun, std::chrono::seconds{6});
}

TEST_F(SimulatedHost, AStatusWithoutTheAgentDoesNotWaitForIt) {
  write_silent("1e6");
  const auto state = HostState::over(HostThread::open(uri()).value());
  const host::TimePoint begun = now(*state);
  EXPECT_EQ(Host{state}.status_all({.agentless = true}).value().size(), domain_count);
  EXPECT_LT(now(*state) - begun, std::chrono::seconds{1});
}

TEST_F(SimulatedHost, WhoListensForTheEndMayOwnTheHost) {
  std::promise<void> told;
  {
    auto host = std::make_shared<Host>(Host::open(uri()).value());
    Operation operation = host->domain("g0").value().resize(512_MiB);
    operation.on_end([host, &told] { told.set_value(); });
  }
  told.get_future().get();
}

TEST_F(SimulatedHost, AnOperationIsDestroyedOnTheHostsThreadBeforeItsEndIsTold) {
  Host host = Host::open(uri()).value();
  std::thread::id destroyed_by;
  std::thread::id told_by;
  const auto leave = [&](void*) { destroyed_by = std::this_thread::get_id(); };
  ResizeOptions options;
  options.on_event = [held = std::shared_ptr<void>{nullptr, leave}, &told_by](const Event&) {
    told_by = std::this_thread::get_id();
  };
  Operation operation = host.domain("g0").value().resize(512_MiB, std::move(options));
  EXPECT_TRUE(operation.wait());
  EXPECT_EQ(destroyed_by, told_by);
}

TEST_F(SimulatedHost, WhatAnEventsReceiverThrowsCancelsTheResize) {
  Host host = Host::open(uri()).value();
  ResizeOptions options;
  options.on_event = [](const Event& event) {
    if (event.phase == Phase::populate) throw std::runtime_error{"no room on the screen"};
  };
  const auto ended = host.domain("g0").value().resize(2_GiB, std::move(options)).wait();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().cause, Cause::cancelled);
  EXPECT_EQ(ended.error().message, "g0: on_event threw: no room on the screen");
  EXPECT_TRUE(host.domain("g0").value().resize(2_GiB).wait());
}

TEST_F(SimulatedHost, WhatAnEventsReceiverThrowsDuringARecoveryCancelsTheResizeBehindIt) {
  write_text(R"({"host":"16GiB","guests":[{"name":"g0","type":"pvh","memory":"1GiB","journal":)"
             R"("{\"format\":1,\"owner\":\"nobody\",\"operation\":7,\"size_kib\":1048576,)"
             R"(\"present_kib\":1048576,\"limit_kib\":1048576,\"max_pages_kib\":1049600,)"
             R"(\"settled_offset_kib\":64,\"to_kib\":2097152}"}],)"
             R"("actions":[{"at":0,"do":"mem-max","guest":"g0","size":"2GiB"},)"
             R"({"at":0,"do":"mem-set","guest":"g0","size":"2GiB"}]})");
  const Host host = Host::open(uri()).value();
  ResizeOptions options;
  options.on_event = [](const Event& event) {
    if (event.phase == Phase::restore) throw std::runtime_error{"no room on the screen"};
  };
  const auto ended = host.domain("g0").value().resize(2_GiB, std::move(options)).wait();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().message, "g0: on_event threw: no room on the screen");
}

TEST_F(SimulatedHost, WhatThrowsBeforeAResizeBeginsIsTheCallersToCatch) {
  struct Receiver {
    Receiver() = default;
    Receiver(const Receiver& other) : copies{other.copies + 1} {
      if (copies > 1) throw std::runtime_error{"no copy of it"};
    }
    Receiver(Receiver&&) = default;
    Receiver& operator=(const Receiver&) = delete;
    Receiver& operator=(Receiver&&) = delete;
    ~Receiver() = default;
    void operator()(const Event&) const {}
    int copies{0};
  };
  Host host = Host::open(uri()).value();
  ResizeOptions options;
  options.on_event = Receiver{};
  const Domain domain = host.domain("g0").value();
  EXPECT_THROW(
      {
        for (int copy = 0; copy < 3; ++copy) {
          ResizeOptions copied = options;
          static_cast<void>(domain.resize(512_MiB, copied));
        }
      },
      std::runtime_error);
  EXPECT_TRUE(domain.resize(512_MiB).wait());
}

TEST_F(SimulatedHost, AListenerThatThrowsHarmsNoOther) {
  Host host = Host::open(uri()).value();
  Operation operation = host.domain("g0").value().resize(512_MiB);
  operation.on_end([] { throw std::runtime_error{"nobody listens to this"}; });
  std::promise<void> told;
  operation.on_end([&] { told.set_value(); });
  told.get_future().get();
  operation.on_end([] { throw std::runtime_error{"nor to this"}; });
  EXPECT_TRUE(host.domain("g1").value().resize(512_MiB).wait());
}

TEST_F(SimulatedHost, DigitsMeanANumberAndNeverAName) {
  write_guests({"2", "b", "0", "Domain-0", "", "77"});
  const Host host = Host::open(uri()).value();
  EXPECT_EQ(host.domain("1").value().identity().name, "2");
  EXPECT_EQ(host.domain("2").value().identity().name, "b");
  EXPECT_EQ(host.domain("002").value().identity().name, "b");
  EXPECT_EQ(host.domain("5").value().identity().name, "");
  for (const char* dom0 : {"0", "00", "Domain-0"}) {
    const auto found = host.domain(dom0);
    ASSERT_FALSE(found) << dom0;
    EXPECT_EQ(found.error().message, "dom0 is the host's own domain, not a guest");
  }
  for (const char* nobody :
       {"", "7", "77", "4294967298", "99999999999999999999", "-1", "+2", " 2"}) {
    const auto found = host.domain(nobody);
    ASSERT_FALSE(found) << nobody;
    EXPECT_EQ(found.error().cause, Cause::no_such_domain);
  }
  EXPECT_EQ(host.domain("77").error().hint,
            "digits mean a number; the guest of that name has the number 6");
}

TEST_F(SimulatedHost, AnUnknownNameIsAnsweredWithTheGuestsThatRun) {
  const auto hint_of = [&](const std::vector<std::string>& names) {
    write_guests(names);
    return std::string{Host::open(uri()).value().domain("wbe1").error().advice()};
  };
  EXPECT_EQ(hint_of({"web1", "db\\n1"}), "the guests that run are web1, db?1");
  EXPECT_EQ(hint_of({"web1"}), "the guest that runs is web1");
  EXPECT_EQ(hint_of({}), "no guest runs");
  EXPECT_EQ(hint_of({"1", "2", "3", "4", "5", "6", "7", "8", "9"}),
            "xl list shows the domains that run");
}

TEST_F(SimulatedHost, AHandleIsNotTakenForAnotherDomainThatGotItsNumber) {
  const Host host = Host::open(uri()).value();
  DomainIdentity ended = host.domain("g0").value().identity();
  const DomainIdentity other = host.domain("g1").value().identity();
  EXPECT_NE(ended.uuid, other.uuid);
  ended.id = other.id;
  const Domain handle = host.domain(ended);
  const DomainStatus before = host.domain(other).status().value();
  EXPECT_EQ(handle.status().error().cause, Cause::no_such_domain);
  EXPECT_EQ(handle.doctor().error().cause, Cause::no_such_domain);
  EXPECT_EQ(handle.plan_resize(1_GiB).error().cause, Cause::no_such_domain);
  EXPECT_EQ(handle.recover().error().cause, Cause::no_such_domain);
  const auto resized = handle.resize(1_GiB).wait();
  ASSERT_FALSE(resized);
  EXPECT_EQ(resized.error().message, "g0: the domain has ended, and another domain has its ID 2");
  EXPECT_EQ(resized.error().report->outcome, Outcome::refused);
  EXPECT_EQ(host.domain(other).status().value().target, before.target);
}

TEST_F(SimulatedHost, AnIdentityThatNobodyFilledInIsNotTakenForDom0) {
  const Domain handle = Host::open(uri()).value().domain(DomainIdentity{});
  const std::string dom0 = "dom0 is the host's own domain, not a guest";
  EXPECT_EQ(handle.status().error().message, dom0);
  EXPECT_EQ(handle.doctor().error().message, dom0);
  EXPECT_EQ(handle.plan_resize(1_GiB, {.agentless = true}).error().message, dom0);
  EXPECT_EQ(handle.recover().error().message, dom0);
  EXPECT_EQ(handle.resize(1_GiB, {.agentless = true}).wait().error().report->outcome,
            Outcome::refused);
}

TEST_F(SimulatedHost, AnAnswerUnderWayKeepsTheHostAndIsTheSameForEachWaiter) {
  std::vector<Pending<DomainStatus>> pending;
  {
    const Host host = Host::open(uri()).value();
    const std::vector<Domain> domains = host.domains().value();
    for (const Domain& domain : domains) pending.push_back(domain.ask_status());
  }
  for (int each = 0; each < domain_count; ++each) {
    const auto& one = pending[static_cast<std::size_t>(each)];
    EXPECT_EQ(one.wait().value().domain.name, guest_name(each));
    EXPECT_EQ(one.wait().value().domain.name, guest_name(each));
  }
}

TEST_F(SimulatedHost, AQuestionWhoseAnswerNobodyAwaitsHarmsNothing) {
  const Host host = Host::open(uri()).value();
  static_cast<void>(host.domain("g0").value().ask_status());
  static_cast<void>(host.domain("g0").value().start_recovery());
}

using Causes = std::map<Cause, int>;

/// Starts, cancels, drops and awaits operations at random, as one of several threads.
void race(HostState& state, const std::vector<DomainIdentity>& domains, unsigned seed,
          int operations, Causes& causes) {
  std::mt19937 random{seed};
  const auto up_to = [&](unsigned most) { return static_cast<int>(random() % (most + 1U)); };
  std::vector<std::shared_ptr<Operation::State>> started;
  const auto any = [&] {
    return started.begin() + up_to(static_cast<unsigned>(started.size()) - 1);
  };
  for (int each = 0; each < operations; ++each) {
    const auto& domain = domains[static_cast<std::size_t>(up_to(domain_count - 1))];
    ResizeOptions options;
    if (up_to(1) == 0) options.on_failure = OnFailure::keep;
    if (up_to(3) == 0) options.timeout = std::chrono::milliseconds{up_to(3000)};
    started.push_back(state.start(domain, 1_MiB * (200 + up_to(5000)), options));
    std::this_thread::sleep_for(std::chrono::microseconds{up_to(3000)});
    if (up_to(2) == 0) state.cancel(*any());
    if (up_to(3) == 0 && started.size() > 1) started.erase(any());
  }
  for (const auto& operation : started) {
    const Result<Report>& ended = operation->ended.get();
    if (ended) continue;
    ASSERT_TRUE(ended.error().report) << ended.error().message;
    ++causes[ended.error().cause];
    EXPECT_NE(ended.error().report->outcome, Outcome::failed) << ended.error().message;
  }
}

/// Checks a domain after all of its operations: its limits agree, and nothing is left behind.
host::Task<void> check_at_rest(host::Port& port, DomainId id) {
  BOOST_OUTCOME_CO_TRY(const auto record,
                       port.store().read("/libxl/" + std::to_string(number(id)) + "/memctl"));
  EXPECT_EQ(record, std::nullopt);
  BOOST_OUTCOME_CO_TRY(const DomainFacts domain, co_await port.hypervisor().domain_facts(id));
  EXPECT_TRUE(plan::known_offset({.domain = domain}))
      << "its page count is not what its target says";
  EXPECT_GE(domain.limit, domain.size());
  EXPECT_GE(domain.memory.max_pages, to_kib(domain.memory.allocated));
  EXPECT_LE(domain.memory.max_pages, *domain.limit + plan::max_pages_slack);
  co_return success();
}

/// The memory of the host's free pool, its domains and their paging pools: the sum never changes.
host::Task<Kib> accounted(host::Port& port) {
  BOOST_OUTCOME_CO_TRY(const HostFacts facts, port.hypervisor().host_facts());
  EXPECT_EQ(facts.claimed, Pages{});
  Kib all = to_kib(facts.free);
  BOOST_OUTCOME_CO_TRY(const auto domains, co_await port.hypervisor().domains());
  for (const DomainIdentity& domain : domains) {
    BOOST_OUTCOME_CO_TRY(const DomainFacts of, co_await port.hypervisor().domain_facts(domain.id));
    EXPECT_EQ(of.memory.claim, Pages{}) << domain.name;
    all += to_kib(of.memory.allocated) + of.pool.value_or(Kib{});
  }
  co_return all;
}

TEST_F(SimulatedHost, ThirtyTwoOperationsAtOnceLeaveItsAccountsExact) {
  Causes all;
  for (unsigned seed = 1; seed <= 4; ++seed) {
    const auto state = HostState::over(HostThread::open(uri()).value());
    const Kib before = state->call(accounted).value();
    const auto domains =
        state->call([](host::Port& port) { return port.hypervisor().domains(); }).value();
    ASSERT_EQ(domains.size(), domain_count);
    std::vector<std::thread> threads;
    std::array<Causes, 4> causes;
    for (unsigned each = 0; each < causes.size(); ++each) {
      threads.emplace_back([&, each] { race(*state, domains, seed * 10 + each, 8, causes[each]); });
    }
    for (std::thread& thread : threads) thread.join();
    for (const Causes& of_one : causes) {
      for (const auto& [cause, count] : of_one) all[cause] += count;
    }
    // Dropped operations go on: another one on the same domain is refused until they have ended.
    for (const DomainIdentity& domain : domains) {
      Result<Report> last = state->start(domain, 1_GiB, {})->ended.get();
      while (!last && last.error().cause == Cause::busy) {
        last = state->start(domain, 1_GiB, {})->ended.get();
      }
      // The other domains may have taken all of the host's memory.
      EXPECT_TRUE(last || last.error().cause == Cause::host_memory)
          << domain.name << ": " << last.error().message;
    }
    EXPECT_EQ(state->call(accounted).value(), before);
    for (const DomainIdentity& domain : domains) {
      SCOPED_TRACE(domain.name);
      EXPECT_TRUE(state->call([&](host::Port& port) { return check_at_rest(port, domain.id); }));
    }
  }
  const std::set<Cause> allowed{Cause::busy,        Cause::cancelled,   Cause::deadline,
                                Cause::host_memory, Cause::below_floor, Cause::guest_pressure};
  for (const auto& [cause, count] : all) {
    EXPECT_TRUE(allowed.contains(cause)) << count << " times " << name(cause);
  }
  EXPECT_GT(all[Cause::cancelled], 0);
  EXPECT_GT(all[Cause::busy], 0);
}

TEST_F(SimulatedHost, ItsEndCancelsWhatIsUnderWay) {
  write("1");  // no operation has ended by then
  std::vector<std::shared_ptr<Operation::State>> operations;
  {
    const auto state = HostState::over(HostThread::open(uri()).value());
    const auto domains =
        state->call([](host::Port& port) { return port.hypervisor().domains(); }).value();
    for (const DomainIdentity& domain : domains) {
      operations.push_back(state->start(domain, 2_GiB, {}));
    }
  }
  for (const auto& operation : operations) {
    const Result<Report>& ended = operation->ended.get();
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().cause, Cause::cancelled) << ended.error().message;
  }
}

}  // namespace
}  // namespace memctl
