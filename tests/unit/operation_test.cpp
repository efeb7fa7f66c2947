// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The operation on the simulated host: the cases that the lab shows on real Xen, and cases that the
// lab cannot bring about at will.
#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "operation_fixture.hpp"
#include "plan/pool.hpp"
#include "support/faults.hpp"

namespace memctl::resize {
namespace {

using host::sim::AgentConduct;
using host::sim::GuestSpec;
using test::Simulation;
using namespace std::chrono_literals;

INSTANTIATE_TEST_SUITE_P(Types, OperationOnSim, testing::Values(DomainType::pv, DomainType::pvh),
                         [](const auto& type) { return std::string{name(type.param)}; });

TEST_P(OperationOnSim, GrowsPastTheBootLimitAndVerifiesThreeLayers) {
  for (const Kib size : {1_GiB, 3584_MiB}) {
    const DomainId id = add({.name = "g" + to_string(size)});
    const Kib before = simulation.world.allocated(id);
    const Kib total_before = simulation.world.guest(id).mem_total();

    const auto report = resize(id, size);

    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report.value().outcome, Outcome::verified);
    EXPECT_TRUE(report.value().verified.all());
    EXPECT_EQ(simulation.world.allocated(id) - before, size - 160_MiB);
    EXPECT_GT(simulation.world.guest(id).mem_total() - total_before, (size - 160_MiB) * 97 / 100);
    EXPECT_EQ(report.value().limit, size);
    EXPECT_EQ(simulation.world.limit(id), size);
    EXPECT_EQ(simulation.world.max_pages(id), size + 1_MiB);
    EXPECT_EQ(simulation.world.host_claimed(), Kib{});
    EXPECT_FALSE(journal_stands(id));
    EXPECT_TRUE(simulation.world.guest(id).alive());
  }
}

TEST_P(OperationOnSim, OneMebibyteMoreIsOneMebibyteMore) {
  const DomainId id = add();
  const Kib before = simulation.world.allocated(id);
  const auto report = resize(id, SizeRequest::relative(1_MiB));
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(simulation.world.allocated(id) - before, 1_MiB);
}

TEST_P(OperationOnSim, AGuestThatArrivesByItselfBeforeItsMemoryIsClaimedHasWhatWasAskedFor) {
  Simulation slow{{.libxl_call = 2s}};  // the balloon takes 3.5 s and arrives during a call
  const DomainId id = slow.world.add_guest(
      {.name = "on-its-way",
       .type = GetParam(),
       .linux = {.online_policy = "online_kernel", .populated_per_second = 100_MiB}});
  ASSERT_TRUE(slow.world.mem_max(id, 512_MiB));
  ASSERT_TRUE(slow.world.mem_set(id, 512_MiB));
  ResizeOperation operation{
      slow.port(), {.id = id, .name = "on-its-way", .type = GetParam()}, 512_MiB, {}};
  const auto report = slow.run(operation.run());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report.value().outcome, Outcome::verified);
  EXPECT_LE(slow.world.allocated(id) - 512_MiB, 1_MiB);
  EXPECT_EQ(slow.world.host_claimed(), Kib{});
}

TEST_P(OperationOnSim, AGuestWithoutAnAgentIsRefusedAtOnce) {
  const DomainId id = add({.agent = {.conduct = AgentConduct::absent}});
  const Limits before = limits(id);
  const auto began = simulation.now();
  const auto report = resize(id, 1_GiB);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::agent_absent);
  EXPECT_EQ(report.error().message,
            identity(id).name +
                ": no memctl-agent answers (not installed, not started, or the "
                "guest is still booting)");
  ASSERT_TRUE(report.error().report);
  EXPECT_EQ(report.error().report->outcome, Outcome::refused);
  EXPECT_EQ(report.error().report->requested, 1_GiB);
  EXPECT_EQ(report.error().report->reached, 160_MiB);
  EXPECT_LT(simulation.now() - began, 1s);
  EXPECT_EQ(limits(id), before);
}

TEST_P(OperationOnSim, AnAgentKilledEarlierIsMissedAfterFiveSeconds) {
  const DomainId id = add();
  simulation.world.guest(id).agent().kill();
  const Limits before = limits(id);
  const auto began = simulation.now();
  const auto report = resize(id, 1_GiB);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::agent_absent);
  EXPECT_LT(simulation.now() - began, 6s);
  EXPECT_EQ(limits(id), before);
}

TEST_P(OperationOnSim, MoreThanTheHostHasIsRefusedAndTheLargestSizeWorks) {
  simulation.world.take_host_memory(62_GiB);
  const DomainId id = add();
  const Limits before = limits(id);
  const Kib free = simulation.world.host_free();
  const auto refused = resize(id, 8_GiB);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().cause, Cause::host_memory);
  EXPECT_EQ(limits(id), before);
  EXPECT_EQ(simulation.world.host_free(), free);

  const auto report = resize(id, refused.error().range->largest.size);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_GE(simulation.world.host_free(), 64_MiB);
}

TEST_P(OperationOnSim, AnAgentKilledInTheMiddleLeavesTheGuestWhatItHas) {
  const DomainId id = add();
  simulation.world.after(300ms, [&] { simulation.world.guest(id).agent().kill(); });
  const auto report = resize(id, 32_GiB);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::agent_absent) << report.error().message;
  const Report& left = *report.error().report;
  EXPECT_EQ(left.outcome, Outcome::kept);
  EXPECT_TRUE(simulation.world.guest(id).alive());
  EXPECT_GE(left.reached, 160_MiB);
  EXPECT_EQ(*simulation.world.target(id), left.reached);
  EXPECT_EQ(simulation.world.limit(id), left.limit);
  EXPECT_EQ(simulation.world.host_claimed(), Kib{});
  EXPECT_FALSE(journal_stands(id));
}

TEST_P(OperationOnSim, AnAgentThatStartsAnewInTheMiddleServesTheRest) {
  for (const auto stopped_at : {50ms, 150ms, 300ms, 600ms, 1200ms}) {
    const DomainId id = add();
    auto& guest = simulation.world.guest(id);
    simulation.world.after(stopped_at, [&] { guest.agent().stop(); });
    simulation.world.after(stopped_at + 2s, [&] { guest.agent().start(id); });
    const auto began = simulation.now();
    const auto grown = resize(id, 4_GiB);
    ASSERT_TRUE(grown) << stopped_at.count() << " ms: " << grown.error().message;
    EXPECT_EQ(grown.value().outcome, Outcome::verified);
    EXPECT_GT(simulation.now() - began, stopped_at);
  }
}

TEST_P(OperationOnSim, AnAgentThatComesBackLateHasTimeToAnswer) {
  for (const auto stopped_at : {1600ms, 2400ms, 3200ms, 4800ms}) {
    const DomainId id = add({.agent = {.report_latency = 1500ms}});
    auto& guest = simulation.world.guest(id);
    simulation.world.after(stopped_at, [&] { guest.agent().stop(); });
    simulation.world.after(stopped_at + 4500ms, [&] { guest.agent().start(id); });
    const auto grown = resize(id, 4_GiB);
    ASSERT_TRUE(grown) << stopped_at.count() << " ms: " << grown.error().message;
  }
}

TEST_P(OperationOnSim, AnAgentThatStopsInTheMiddleIsMissedAfterFiveSeconds) {
  const DomainId id = add();
  simulation.world.after(300ms, [&] { simulation.world.guest(id).agent().stop(); });
  const auto began = simulation.now();
  const auto report = resize(id, 4_GiB);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::agent_absent) << report.error().message;
  EXPECT_GT(simulation.now() - began, 5s);
  EXPECT_LT(simulation.now() - began, 20s);
}

TEST_P(OperationOnSim, ACancelBringsTheEarlierSizeBack) {
  const DomainId id = add();
  const Limits before = limits(id);
  ResizeOperation operation{simulation.port(), identity(id), 32_GiB, {}};
  simulation.world.after(500ms, [&] { operation.cancel(); });
  const auto report = simulation.run(operation.run());
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::cancelled);
  EXPECT_EQ(report.error().message, identity(id).name + ": cancelled");
  EXPECT_EQ(report.error().advice(), "") << "there is nothing to do";
  EXPECT_EQ(report.error().report->outcome, Outcome::restored);
  Limits after = limits(id);
  EXPECT_GE(after.pool, before.pool);  // the pool of a guest that grew is never lowered
  after.pool = before.pool;
  EXPECT_EQ(after, before);
  EXPECT_TRUE(simulation.world.guest(id).alive());
  EXPECT_LE(simulation.world.allocated(id) - 160_MiB, 1_MiB);
}

TEST_P(OperationOnSim, ADeadlineWithKeepLeavesWhatWasReached) {
  const DomainId id = add();
  const auto report = resize(id, 32_GiB, {.timeout = 2s, .on_failure = OnFailure::keep});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::deadline);
  const Report& left = *report.error().report;
  EXPECT_EQ(report.error().message, identity(id).name + ": timed out after 2 s at " +
                                        std::to_string(left.reached / 1_MiB) + " of 32768 MiB");
  EXPECT_EQ(left.outcome, Outcome::kept);
  EXPECT_GT(left.reached, 160_MiB);
  EXPECT_EQ(*simulation.world.target(id), left.reached);
}

TEST_P(OperationOnSim, BlocksThatStayOfflineAreNamed) {
  const DomainId id = add({.linux = {.online_fails = true}});
  const auto report = resize(id, 1_GiB);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::guest_offline_blocks) << report.error().message;
  EXPECT_EQ(report.error().report->outcome, Outcome::restored);
}

TEST_P(OperationOnSim, GoingBackAndForthIsNoProgress) {
  auto& world = simulation.world;
  const DomainId id = add({.linux = {.online_fails = true}});
  const Swaying swaying{world, id, 1s};
  const auto begun = world.clock().now();
  const auto report = resize(id, 1_GiB, {.timeout = 10min, .stall = 10s});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::guest_offline_blocks) << report.error().message;
  EXPECT_LT(world.clock().now() - begun, 60s);
}

TEST_P(OperationOnSim, AGuestThatTurnsRoundAfterEveryStageIsNotServedForEver) {
  auto& world = simulation.world;
  const DomainId id = add();
  host::sim::LinuxGuest& kernel = world.guest(id).kernel();
  // Root in the guest waits until the balloon has reached dom0's target, and lowers its own.
  Kib lowered = kernel.balloon_target();
  std::function<void()> turn_round = [&] {
    if (kernel.balloon_target() != lowered && kernel.balloon_current() == kernel.balloon_target()) {
      lowered = kernel.balloon_target() - 16_MiB;
      kernel.set_balloon_target(lowered);
    }
    world.after(1ms, turn_round);
  };
  turn_round();
  const auto begun = world.clock().now();
  const auto report = resize(id, 512_MiB, {.timeout = 1h});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::stalled) << report.error().message;
  EXPECT_LT(world.clock().now() - begun, 5min);
  EXPECT_FALSE(journal_stands(id));
}

TEST_P(OperationOnSim, AStarvingGuestIsGrownAlive) {
  for (const Kib free : {5_MiB, 12_MiB}) {
    const DomainId id = add({.name = "starving" + to_string(free), .linux = {.kernel_free = free}});
    const auto report = resize(id, 1_GiB);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_TRUE(simulation.world.guest(id).alive());
  }
}

// A guest that reboots is built anew with the target and static-max of that moment.
TEST_P(OperationOnSim, TheLimitRisesWithTheStages) {
  const DomainId id = add({.linux = {.kernel_free = 12_MiB}});
  std::vector<Kib> sizes;
  const auto look = [&](const Event& event) {
    if (event.phase == Phase::facts || event.stage > 0) {
      // All but the page by which the balloon is woken.
      EXPECT_LE(*simulation.world.limit(id) - *simulation.world.target(id), 4_KiB) << event.stage;
    }
    if (event.phase == Phase::populate) sizes.push_back(*simulation.world.limit(id));
  };
  ASSERT_TRUE(resize(id, 3584_MiB, {.on_event = look}));
  EXPECT_LT(sizes.front(), 1_GiB);
  EXPECT_EQ(sizes.back(), 3584_MiB);
}

TEST_P(OperationOnSim, TheLimitSinksWithTheSizeOnTheWayBack) {
  const DomainId id = add();
  ResizeOperation* running = nullptr;
  int looks = 0;
  const auto look = [&](const Event& event) {
    if (event.phase == Phase::populate && event.now > 1_GiB) running->cancel();
    if (event.phase != Phase::restore || event.now == event.from) return;
    EXPECT_EQ(simulation.world.limit(id), simulation.world.target(id));
    ++looks;
  };
  ResizeOperation operation{simulation.port(), identity(id), 3584_MiB, {.on_event = look}};
  running = &operation;
  const auto report = simulation.run(operation.run());
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().report->outcome, Outcome::restored);
  EXPECT_EQ(simulation.world.limit(id), 160_MiB);
  EXPECT_GT(looks, 0);
}

TEST_P(OperationOnSim, RestoringIsOnePhaseThatMovesByXensCount) {
  for (const Kib size : {3584_MiB, 400_MiB}) {
    const DomainId id = add({.name = "g" + to_string(size),
                             .memory = 1_GiB,
                             .linux = {.online_policy = "online_kernel"}});
    ResizeOperation* running = nullptr;
    std::vector<Event> restoring;
    const auto look = [&](const Event& event) {
      const bool far = event.now > 2_GiB || (size < 1_GiB && event.now < 700_MiB);
      if (event.phase == Phase::populate && far) running->cancel();
      if (event.phase == Phase::restore || !restoring.empty()) restoring.push_back(event);
    };
    ResizeOperation operation{simulation.port(), identity(id), size, {.on_event = look}};
    running = &operation;
    const auto report = simulation.run(operation.run());
    ASSERT_FALSE(report);
    const Report& ended = *report.error().report;
    EXPECT_EQ(ended.outcome, Outcome::restored);

    ASSERT_GE(restoring.size(), 4U);
    const Event& first = restoring.front();
    EXPECT_EQ(first.now, first.from);
    EXPECT_EQ(first.to, 1_GiB);
    Kib last = first.now;
    for (const Event& event : restoring) {
      EXPECT_EQ(event.phase, Phase::restore);
      EXPECT_EQ(event.from, first.from);
      EXPECT_TRUE(size > 1_GiB ? event.now <= last : event.now >= last) << to_string(event.now);
      last = event.now;
    }
    EXPECT_EQ(last, 1_GiB);
    const auto& booked = ended.phases;
    const auto restore = std::ranges::find(booked, Phase::restore, &PhaseTime::phase);
    ASSERT_NE(restore, booked.end());
    EXPECT_GE(restore->spent + 1ms, ended.elapsed - first.elapsed) << "both are whole ms";
  }
}

TEST_P(OperationOnSim, WithoutAnAgentNothingThatTheGuestClaimsIsVerified) {
  const DomainId id = add({.linux = {.online_policy = "online_kernel"}});
  const auto report = resize(id, 1_GiB, {.agentless = true});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_TRUE(report.value().verified.xen);
  EXPECT_FALSE(report.value().verified.blocks);
  EXPECT_FALSE(report.value().verified.guest_total);
  EXPECT_EQ(report.value().guest_total, std::nullopt);
  const auto smaller = resize(id, 512_MiB, {.agentless = true});
  ASSERT_FALSE(smaller);
  EXPECT_EQ(smaller.error().report->outcome, Outcome::refused);
}

TEST_P(OperationOnSim, ShrinksAndGrowsAgain) {
  const DomainId id = add();
  for (const Kib size : {2_GiB, 400_MiB, 3_GiB, 1_GiB}) {
    const auto report = resize(id, size);
    ASSERT_TRUE(report) << to_string(size) << ": " << report.error().message;
    EXPECT_LE(simulation.world.allocated(id) - size, 1_MiB);
    EXPECT_TRUE(simulation.world.guest(id).alive());
  }
}

// libxl refuses a pvh guest's target above max_pages, and the shrink has lowered max_pages.
TEST_P(OperationOnSim, AShrinkThatTheGuestNeverBeganIsRestored) {
  const DomainId id = add();
  ASSERT_TRUE(resize(id, 1_GiB));
  const Limits before = limits(id);
  const auto stops =
      simulation.world.store().watch(host::sim::domain_path(id) + "/memory/target",
                                     [&](const auto&) { simulation.world.pause(id); });
  const auto report = resize(id, 512_MiB, {.timeout = 10s});
  ASSERT_FALSE(report);
  ASSERT_TRUE(report.error().report);
  EXPECT_EQ(report.error().report->outcome, Outcome::restored) << report.error().message;
  EXPECT_EQ(limits(id), before);
}

TEST_P(OperationOnSim, ABalloonThatGaveUpIsWokenForTheSameSize) {
  const DomainId id = add({.linux = {.online_policy = "online_kernel"}});
  auto& world = simulation.world;
  ASSERT_TRUE(world.mem_max(id, 2_GiB));
  world.take_host_memory(world.host_free() - 100_MiB);
  ASSERT_TRUE(world.mem_set(id, 2_GiB));
  world.advance(60s);
  ASSERT_LT(world.allocated(id), 400_MiB);
  world.take_host_memory(-32_GiB);
  world.advance(60s);
  ASSERT_LT(world.allocated(id), 400_MiB) << "it would have gone on by itself";

  const auto report = resize(id, 2_GiB);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_GE(report.value().reached, 2_GiB);
  EXPECT_LE(report.value().reached, 2_GiB + 1_MiB);
}

TEST_P(OperationOnSim, ABalloonThatGivesUpIsNamed) {
  const DomainId id = add();
  // Another tool releases the claim and takes its memory.
  simulation.world.after(500ms, [&] {
    ASSERT_EQ(simulation.world.claim(id, Kib{}), 0);
    ASSERT_GT(simulation.world.take_host_memory(simulation.world.host_free()), Kib{});
  });
  const auto report = resize(id, 8_GiB);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::guest_balloon_gave_up) << report.error().message;
  EXPECT_EQ(report.error().report->outcome, Outcome::restored);
}

TEST_P(OperationOnSim, AGuestThatIsStillGrowingIsShrunk) {
  GuestSpec spec;
  spec.linux.online_policy = "online_kernel";
  const DomainId id = add(spec);
  ASSERT_TRUE(simulation.world.mem_max(id, 3_GiB));
  static_cast<void>(simulation.world.set_pool(id, 32_MiB));  // fails on pv, which has no pool
  ASSERT_TRUE(simulation.world.mem_set(id, 3_GiB));
  simulation.world.advance(1700ms);
  ASSERT_GT(simulation.world.populated(id), 300_MiB);
  ASSERT_LT(simulation.world.populated(id), 2_GiB);
  // The agent measures some time before its answer arrives (on real Xen: 1.5 s).
  bool first = true;
  simulation.world.guest(id).agent().distort([&](AgentReport& measured) {
    if (!std::exchange(first, false)) return;
    measured.mem_total -= 100_MiB;
    measured.kernel_zone_free -= 100_MiB;
    *measured.balloon_current -= 100_MiB;
  });
  const auto report = resize(id, 400_MiB);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(simulation.world.populated(id), 400_MiB);
}

TEST_P(OperationOnSim, AProcessThatTakesMemoryInTheMiddleOfAShrinkIsNotKilled) {
  for (const int mib_per_second : {200, 300, 500}) {
    GuestSpec spec{.name = "taking " + std::to_string(mib_per_second)};
    spec.linux.populated_per_second = 600_MiB;  // as slow as in the lab
    const DomainId id = add(spec);
    ASSERT_TRUE(resize(id, 3_GiB));
    auto& guest = simulation.world.guest(id);
    std::function<void(int)> take = [&](int mib) {
      guest.kernel().hold(1_MiB);
      if (mib > 1)
        simulation.world.after(host::Duration{1s} / mib_per_second,
                               [&take, mib] { take(mib - 1); });
    };
    take(1800);
    const auto report = resize(id, 500_MiB);
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().cause, Cause::guest_pressure) << report.error().message;
    EXPECT_EQ(report.error().report->outcome, Outcome::restored);
    simulation.world.advance(60s);
    EXPECT_EQ(guest.kernel().memory().oom_kills(), 0);
    EXPECT_EQ(guest.kernel().memory().hog(), 1800_MiB);
  }
}

TEST_P(OperationOnSim, AReservationThatFailsIsGivenBackAndRefused) {
  const DomainId id = add();
  const Limits before = limits(id);
  test::FaultPlan faults{
      {.call = "claim", .error = {.cause = Cause::host_memory, .message = "taken meanwhile"}}};
  test::FaultyPort port{simulation.port(), simulation.world, faults};
  ResizeOperation operation{port, identity(id), 1_GiB, {}};
  const auto report = simulation.run(operation.run());
  ASSERT_FALSE(report);
  EXPECT_TRUE(faults.happened());
  EXPECT_EQ(report.error().cause, Cause::host_memory);
  EXPECT_EQ(report.error().report->outcome, Outcome::refused);
  EXPECT_EQ(limits(id), before);
  EXPECT_FALSE(journal_stands(id));
}

TEST_P(OperationOnSim, AHostileAgentLosesOnlyItsOwnOperation) {
  for (const AgentConduct conduct :
       {AgentConduct::garbage, AgentConduct::huge, AgentConduct::lying, AgentConduct::stale,
        AgentConduct::flooding, AgentConduct::deleting, AgentConduct::fleeting,
        AgentConduct::chattering, AgentConduct::dripping, AgentConduct::owing}) {
    const DomainId id = add({.name = "hostile" + std::to_string(static_cast<int>(conduct))});
    simulation.world.guest(id).agent().set_conduct(conduct);
    const Kib free = simulation.world.host_free();
    const auto report = resize(id, 1_GiB);
    EXPECT_EQ(simulation.world.host_claimed(), Kib{});
    EXPECT_GE(simulation.world.host_free(), free - 1_GiB);
    EXPECT_FALSE(journal_stands(id));
    if (conduct == AgentConduct::fleeting) {
      EXPECT_EQ(report.error().cause, Cause::agent_absent) << "of whom nothing is known any more";
    }
  }
}

TEST_P(OperationOnSim, EventsTellEachPhaseInOrder) {
  const DomainId id = add();
  std::vector<Event> events;
  ASSERT_TRUE(
      resize(id, 2_GiB, {.on_event = [&](const Event& event) { events.push_back(event); }}));
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events.front().phase, Phase::facts);
  EXPECT_EQ(events.back().phase, Phase::verify);
  EXPECT_EQ(events.back().now, 2_GiB);
  for (const Event& event : events) {
    EXPECT_GE(event.now, Kib{});
    EXPECT_LE(event.now, 2_GiB);
  }
}

}  // namespace
}  // namespace memctl::resize
