// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What happens to an operation from outside: other tools, other operations, and the domain's end.
// tests/faults has the same before every call.
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "operation_fixture.hpp"

namespace memctl::resize {
namespace {

using namespace std::chrono_literals;

class OperationAmongOthers : public OperationOnSim {};

INSTANTIATE_TEST_SUITE_P(Types, OperationAmongOthers,
                         testing::Values(DomainType::pv, DomainType::pvh),
                         [](const auto& type) { return std::string{name(type.param)}; });

// `xl mem-max` lowers the limit at once, and the guest takes its time.
TEST_P(OperationAmongOthers, APartIsKeptAsItIsAlsoPastALimitThatWasLowered) {
  auto& world = simulation.world;
  const DomainId id = add({.memory = 4_GiB, .linux = {.populated_per_second = 64_MiB}});
  world.advance(10s);
  ASSERT_TRUE(world.mem_set(id, 1_GiB));
  ASSERT_TRUE(world.mem_max(id, 1_GiB));
  const auto report = resize(id, 2_GiB, {.timeout = 3s, .on_failure = OnFailure::keep});
  ASSERT_FALSE(report);
  ASSERT_EQ(report.error().report->outcome, Outcome::kept) << report.error().message;
  const Kib has = world.allocated(id);
  EXPECT_GT(has, 3_GiB);
  EXPECT_GE(report.error().report->reached + 2_MiB, has);
  EXPECT_GE(*world.target(id) + 2_MiB, has) << "it is not pressed on";
}

TEST_P(OperationAmongOthers, ARivalsTargetStands) {
  const DomainId id = add({.name = "web1"});
  simulation.world.after(500ms, [&] { ASSERT_TRUE(simulation.world.mem_set(id, 300_MiB)); });
  const auto report = resize(id, 32_GiB);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::superseded);
  EXPECT_EQ(report.error().message,
            "another tool set web1 to " + to_string(300_MiB) +
                " during the resize; memctl left it on its way there, at " +
                to_string(round_down(report.error().report->reached, 1_MiB)));
  EXPECT_EQ(report.error().report->outcome, Outcome::superseded);
  EXPECT_EQ(*simulation.world.target(id), 300_MiB);
  EXPECT_EQ(simulation.world.host_claimed(), Kib{});
}

TEST_P(OperationAmongOthers, ARivalsLimitsStandAndAreReported) {
  auto& world = simulation.world;
  const DomainId limited = add({.name = "static-max"});
  world.after(500ms, [&] { ASSERT_TRUE(world.write_limit(limited, 40_GiB)); });
  auto report = resize(limited, 32_GiB);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::superseded) << report.error().message;
  EXPECT_EQ(report.error().message,
            "another tool set the limit of static-max to " + to_string(40_GiB) +
                " during the resize; memctl left it at " +
                to_string(round_down(report.error().report->reached, 1_MiB)));
  EXPECT_EQ(report.error().report->limit, 40_GiB);
  EXPECT_EQ(world.limit(limited), 40_GiB);
  EXPECT_FALSE(journal_stands(limited));

  const DomainId capped = add({.name = "max_pages"});
  world.after(500ms, [&] { world.set_max_pages(capped, 20_GiB); });
  report = resize(capped, 16_GiB);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::superseded) << report.error().message;
  EXPECT_EQ(world.max_pages(capped), 20_GiB);
  EXPECT_EQ(world.host_claimed(), Kib{});
}

TEST_P(OperationAmongOthers, ARivalsTargetAloneIsNotHeldDownByTheCapOfAStage) {
  auto& world = simulation.world;
  const DomainId id = add();
  ASSERT_TRUE(resize(id, 4_GiB));
  const Kib cap = world.max_pages(id);
  world.after(200ms, [&] { ASSERT_TRUE(world.write_target(id, 4_GiB - 1_MiB)); });
  const auto report = resize(id, 512_MiB);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::superseded) << report.error().message;
  EXPECT_EQ(world.max_pages(id), cap);
  world.advance(60s);
  EXPECT_GT(world.populated(id), 4_GiB - 2_MiB);
}

TEST_P(OperationAmongOthers, AnEndBeforeTheFirstStageLeavesADomainOnItsWayToAnothersTarget) {
  auto& world = simulation.world;
  for (const OnFailure on_failure : {OnFailure::restore, OnFailure::keep}) {
    const bool keeps = on_failure == OnFailure::keep;
    const DomainId id =
        add({.name = keeps ? "keep" : "restore", .linux = {.populated_per_second = 100_MiB}});
    ASSERT_TRUE(resize(id, 4_GiB));
    ASSERT_TRUE(world.mem_set(id, 2_GiB));
    world.advance(2s);
    const Limits before = limits(id);
    // The agent is silent for 5 s when the operation makes it ready for the first stage.
    ResizeOptions options{.on_failure = on_failure};
    options.on_event = [&](const Event& event) {
      if (event.phase == Phase::online) world.guest(id).agent().kill();
    };
    const auto report = resize(id, 6_GiB, options);
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().cause, Cause::agent_absent) << report.error().message;
    EXPECT_EQ(report.error().report->outcome, Outcome::refused);
    EXPECT_EQ(limits(id), before);
    EXPECT_GT(world.allocated(id), 3_GiB) << "it has arrived, and shows nothing";
    EXPECT_LT(report.error().report->reached, 4_GiB - 400_MiB) << "it has moved meanwhile";
  }
}

TEST_P(OperationAmongOthers, APoolStaysUnderADomainThatGrowsByAnothersTarget) {
  auto& world = simulation.world;
  const DomainId id =
      add({.linux = {.online_policy = "online_kernel", .populated_per_second = 250_MiB}});
  ASSERT_TRUE(world.mem_max(id, 4_GiB));
  ASSERT_TRUE(world.mem_set(id, 3_GiB));
  const Limits before = limits(id);
  // Until the agent counts as absent, the guest takes as much as `reserve` added to the pool.
  ResizeOptions options;
  options.on_event = [&](const Event& event) {
    if (event.phase == Phase::online) world.guest(id).agent().kill();
  };
  const auto report = resize(id, 4_GiB, options);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::agent_absent) << report.error().message;
  EXPECT_EQ(report.error().report->outcome, Outcome::refused);
  EXPECT_FALSE(journal_stands(id));
  Limits expected = before;
  if (GetParam() != DomainType::pv) {
    expected.pool = world.pool(id);
    EXPECT_GT(expected.pool, before.pool);
    EXPECT_EQ(report.error().report->pool, expected.pool);
  }
  EXPECT_EQ(limits(id), expected);
  world.advance(60s);
  EXPECT_GT(world.allocated(id), 2_GiB) << "the other's request goes on";
}

TEST_P(OperationAmongOthers, AGuestThatIsDestroyedOrRebootsEndsTheOperation) {
  const DomainId destroyed = add({.name = "destroyed"});
  simulation.world.after(500ms, [&] { simulation.world.destroy(destroyed); });
  const auto gone = resize(destroyed, 16_GiB);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().cause, Cause::domain_gone);
  EXPECT_EQ(gone.error().message,
            "destroyed (ID " + std::to_string(number(destroyed)) +
                ") ended during the resize; if it rebooted it has a new ID: memctl status");
  EXPECT_EQ(gone.error().report->outcome, Outcome::gone);

  const DomainId rebooted = add({.name = "rebooted"});
  simulation.world.after(500ms,
                         [&] { simulation.world.shut_down(rebooted, ShutdownReason::reboot); });
  const auto reboot = resize(rebooted, 16_GiB);
  ASSERT_FALSE(reboot);
  EXPECT_EQ(reboot.error().cause, Cause::guest_rebooted);
  EXPECT_EQ(reboot.error().message,
            "rebooted (ID " + std::to_string(number(rebooted)) +
                ") rebooted during the resize and gets a new ID: memctl status");
  EXPECT_EQ(simulation.world.host_claimed(), Kib{});
}

TEST_P(OperationAmongOthers, AGuestThatCrashesWhileItIsRestoredLeavesNothingBehind) {
  const DomainId id = add();
  ResizeOperation* running = nullptr;
  const auto strike = [&](const Event& event) {
    if (event.phase == Phase::populate && event.now > 1_GiB) running->cancel();
    if (event.phase == Phase::restore) simulation.world.crash(id);
  };
  ResizeOperation operation{simulation.port(), identity(id), 32_GiB, {.on_event = strike}};
  running = &operation;
  const auto report = simulation.run(operation.run());
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::domain_gone) << report.error().message;
  EXPECT_EQ(report.error().report->outcome, Outcome::gone);
  EXPECT_FALSE(journal_stands(id));
  EXPECT_EQ(simulation.world.host_claimed(), Kib{});
}

TEST_P(OperationAmongOthers, ADomainThatIsSuspendedMayGoOnAndIsLeftToBeRecovered) {
  const DomainId id = add();
  simulation.world.after(500ms, [&] { simulation.world.suspend(id); });
  const auto report = resize(id, 32_GiB);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::domain_migrating) << report.error().message;
  EXPECT_EQ(report.error().report->outcome, Outcome::gone);
  EXPECT_EQ(simulation.world.host_claimed(), Kib{});
  const auto record = Journal{simulation.port().store(), identity(id)}.read().value();
  ASSERT_TRUE(record) << "a save that fails lets the same domain go on";
  EXPECT_EQ(record->owner, "");

  const auto again = resize(id, 1_GiB);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().cause, Cause::domain_migrating) << again.error().message;
}

TEST_P(OperationAmongOthers, APausedGuestIsNamedAsSuchAndNotTakenForOneWithoutAnAgent) {
  const DomainId id = add();
  simulation.world.after(500ms, [&] { simulation.world.pause(id); });
  const auto report = resize(id, 32_GiB);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::domain_paused) << report.error().message;

  const DomainId resumed = add({.name = "resumed"});
  simulation.world.after(500ms, [&] { simulation.world.pause(resumed); });
  simulation.world.after(20s, [&] { simulation.world.unpause(resumed); });
  EXPECT_TRUE(resize(resumed, 4_GiB));
}

TEST_P(OperationAmongOthers, AGuestThatIsPausedBeforeItsFirstStageIsNamedAsSuch) {
  const DomainId id = add();
  ResizeOptions options;
  options.on_event = [&](const Event& event) {
    if (event.phase == Phase::reserve) simulation.world.pause(id);
  };
  const auto report = resize(id, 4_GiB, options);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::domain_paused) << report.error().message;
  EXPECT_EQ(report.error().report->outcome, Outcome::refused);
}

TEST_P(OperationAmongOthers, APausedGuestHasTimeToAnswerWhenItGoesOn) {
  const DomainId id = add({.linux = {.populated_per_second = 100_MiB}});
  bool populating = false;
  int paused = 0;
  ResizeOptions options;
  options.on_event = [&](const Event& event) { populating = event.phase == Phase::populate; };
  const auto watch = simulation.world.store().watch(
      host::sim::domain_path(id) + "/control/memctl/request", [&](const std::string&) {
        if (!populating || ++paused > 1) return;
        simulation.world.after(0s, [&] { simulation.world.pause(id); });
        simulation.world.after(20s, [&] { simulation.world.unpause(id); });
      });
  const auto report = resize(id, 4_GiB, options);
  EXPECT_TRUE(report) << report.error().message;
  EXPECT_GE(paused, 1) << "a renewal of the agent's lease was unanswered";
}

TEST_P(OperationAmongOthers, TwoRequestsForTheSameMemoryAreNotBothGranted) {
  simulation.world.take_host_memory(60_GiB);
  const DomainId first = add({.name = "first"});
  const DomainId second = add({.name = "second"});
  const Kib two_thirds = simulation.world.host_free() * 2 / 3;
  ASSERT_TRUE(resize(first, SizeRequest::relative(two_thirds)));
  const auto refused = resize(second, SizeRequest::relative(two_thirds));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().cause, Cause::host_memory);
  EXPECT_TRUE(simulation.world.guest(first).alive());
  EXPECT_TRUE(simulation.world.guest(second).alive());
}

TEST_P(OperationAmongOthers, ASecondOperationLearnsWhoHoldsTheDomain) {
  const DomainId id = add();
  const std::string holder = simulation.world.add_process();
  Journal journal{simulation.port().store(), identity(id)};
  ASSERT_TRUE(journal.begin({.owner = holder}));
  const auto report = resize(id, 1_GiB);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::busy);
  EXPECT_NE(report.error().message.find(holder), std::string::npos);
}

TEST_P(OperationAmongOthers, APlanAndAStatusPromiseNothingThatAResizeWouldRefuse) {
  const DomainId id = add();
  auto& world = simulation.world;
  const std::string node = "/libxl/" + std::to_string(number(id)) + "/memctl";
  const auto leave = [&](const std::string& text) {
    ASSERT_TRUE(world.store().write(host::sim::dom0, node, text));
  };
  const auto expect_all = [&](Cause cause) {
    SCOPED_TRACE(name(cause));
    const auto planned = simulation.run(plan_only(simulation.port(), identity(id), 512_MiB, {}));
    ASSERT_FALSE(planned);
    EXPECT_EQ(planned.error().cause, cause);
    const auto status = simulation.run(status_of(simulation.port(), identity(id), {}));
    ASSERT_TRUE(status);
    EXPECT_EQ(status.value().refused_by, cause);
    EXPECT_FALSE(status.value().range);
    const auto resized = resize(id, 512_MiB);
    ASSERT_FALSE(resized);
    EXPECT_EQ(resized.error().cause, cause);
    EXPECT_EQ(resized.error().message, planned.error().message);
    EXPECT_EQ(resized.error().report->outcome, Outcome::refused);
  };
  leave("torn");
  expect_all(Cause::journal_damaged);
  leave(to_text({.owner = world.add_process()}));
  expect_all(Cause::busy);
  ASSERT_TRUE(world.store().remove(host::sim::dom0, node));
  world.set_save_in_progress(id, true);
  world.advance(1s);  // a plan is content with a look of a moment ago
  expect_all(Cause::domain_migrating);
  world.set_save_in_progress(id, false);
  world.advance(1s);
  EXPECT_TRUE(resize(id, 512_MiB));
}

TEST_P(OperationAmongOthers, ARecordOfADeadProcessIsNoObstacleToAPlan) {
  const DomainId id = add();
  Journal journal{simulation.port().store(), identity(id)};
  ASSERT_TRUE(journal.begin({.owner = "a process that has ended"}));
  EXPECT_TRUE(simulation.run(plan_only(simulation.port(), identity(id), 512_MiB, {})));
  ASSERT_TRUE(journal.end());
}

TEST_P(OperationAmongOthers, AStatusThatIsAskedMeanwhileCostsNeitherSideMuchTime) {
  const DomainId alone = add({.name = "alone"});
  const auto begun_alone = simulation.now();
  ASSERT_TRUE(resize(alone, 4_GiB));
  const auto needed = simulation.now() - begun_alone;

  const DomainId watched = add({.name = "watched"});
  int answered = 0;
  host::Duration longest{};
  const auto ask = [&]() -> boost::asio::awaitable<void> {
    const auto asked = simulation.now();
    const auto status = co_await status_of(simulation.port(), identity(watched), {});
    EXPECT_TRUE(status && status.value().agent);
    longest = std::max(longest, simulation.now() - asked);
    ++answered;
  };
  constexpr int questions = 100;
  for (int i = 0; i < questions; ++i) {
    simulation.world.after(i * needed / questions, [&] {
      boost::asio::co_spawn(simulation.context, ask(), boost::asio::detached);
    });
  }
  const auto begun = simulation.now();
  const auto report = resize(watched, 4_GiB);
  ASSERT_TRUE(report) << report.error().message;
  // Each answer takes the place of a report, so the balloon may have slept out its second.
  EXPECT_LT(simulation.now() - begun, needed + 2s);
  EXPECT_LT(longest, 1s);
  simulation.world.advance(10s);
  EXPECT_GT(answered, questions / 2);
}

TEST_P(OperationAmongOthers, TheLeftoverOfADeadProcessIsRestoredFirst) {
  const DomainId id = add();
  const Limits before = limits(id);
  const std::string dead = simulation.world.add_process();
  Journal journal{simulation.port().store(), identity(id)};
  ASSERT_TRUE(journal.begin({.owner = dead,
                             .size = 160_MiB,
                             .present = 160_MiB,
                             .limit = *before.limit,
                             .max_pages = before.max_pages,
                             .to = 2_GiB}));
  ASSERT_TRUE(simulation.world.mem_max(id, 2_GiB));
  ASSERT_EQ(simulation.world.claim(id, 2_GiB), host::sim::Errno{});
  simulation.world.end_process(dead);

  const auto report = resize(id, 160_MiB);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(limits(id), before);
}

TEST_P(OperationAmongOthers, RestoringALeftoverFirstDoesNotCountAgainstTheTimeout) {
  auto& world = simulation.world;
  const DomainId id = add({.linux = {.populated_per_second = 100_MiB}});
  const std::string dead = world.add_process();
  ASSERT_TRUE(resize(id, 2_GiB));
  Journal journal{simulation.port().store(), identity(id)};
  const Limits now = limits(id);
  ASSERT_TRUE(journal.begin({.owner = dead,
                             .size = 3_GiB,
                             .present = 3_GiB,
                             .limit = *now.limit,
                             .max_pages = now.max_pages,
                             .to = 2_GiB}));
  world.end_process(dead);

  const auto begun = world.clock().now();
  const auto report = resize(id, 3_GiB, {.timeout = 5s});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_GT(world.clock().now() - begun, 5s) << "it had its memory back first";
}

TEST_P(OperationAmongOthers, ASaveEndsTheOperationAndShrinksNothingUnderIt) {
  const DomainId id = add({.linux = {.kernel_free = 5_MiB}});  // a second stage is certain
  Kib saved{};
  simulation.world.after(150ms, [&] {
    saved = simulation.world.allocated(id);
    simulation.world.set_save_in_progress(id, true);
  });
  const auto report = resize(id, 1_GiB);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::domain_migrating) << report.error().message;
  EXPECT_EQ(report.error().report->outcome, Outcome::kept);
  EXPECT_EQ(*simulation.world.target(id), report.error().report->reached);
  EXPECT_GT(saved, 200_MiB);
  EXPECT_GE(simulation.world.allocated(id), saved);
}

TEST_P(OperationAmongOthers, ASaveIsSeenWithinAFourthOfASecond) {
  for (auto before_it = 0ms; before_it < 200ms; before_it += 13ms) {
    const DomainId id = add({.linux = {.populated_per_second = 500_MiB}});
    host::TimePoint saved{};
    simulation.world.after(1s + before_it, [&] {
      // A look right before the save is the worst that can answer.
      auto& xen = simulation.port().hypervisor();
      ASSERT_FALSE(xen.save_in_progress(id, {}).value());
      simulation.world.set_save_in_progress(id, true);
      saved = simulation.now();
    });
    const auto report = resize(id, 3_GiB);
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().cause, Cause::domain_migrating) << report.error().message;
    const auto time_to_keep_it = 5ms;
    EXPECT_LE(simulation.now() - saved, 250ms + time_to_keep_it) << before_it.count();
    simulation.world.destroy(id);
  }
}

/// A guest with little kernel memory grows in many short stages.
TEST_P(OperationAmongOthers, TheStagesOfAllDomainsLookForSavesFortyTimesASecondTogether) {
  auto& world = simulation.world;
  std::vector<std::unique_ptr<ResizeOperation>> operations;
  std::size_t ended = 0;
  for (int i = 0; i < 50; ++i) {
    const DomainId id = add({.name = "web" + std::to_string(i), .linux = {.kernel_free = 5_MiB}});
    operations.push_back(
        std::make_unique<ResizeOperation>(simulation.port(), identity(id), 1_GiB, ResizeOptions{}));
  }
  const auto begun = simulation.now();
  int stages = 0;
  for (const auto& operation : operations) {
    boost::asio::co_spawn(
        simulation.context,
        [&]() -> boost::asio::awaitable<void> {
          const Result<Report> report = std::move(*co_await operation->run());
          EXPECT_TRUE(report) << report.error().message;
          if (report) stages += report.value().stages;
          ++ended;
        },
        boost::asio::detached);
  }
  simulation.connection.run_until([&] { return ended == operations.size(); });
  ASSERT_EQ(ended, operations.size());
  const auto took = simulation.now() - begun;
  const auto anew = static_cast<int>(operations.size());  // each looks anew before it is verified
  const int looks = world.toolstack().save_looks();
  RecordProperty("looks", looks);
  EXPECT_LE(looks, took / 25ms + 1 + anew) << stages << " stages in " << took / 1ms << " ms";
}

TEST_P(OperationAmongOthers, ASaveInTheMiddleOfTheOnlyStageEndsTheOperation) {
  const DomainId id = add({.linux = {.populated_per_second = 500_MiB}});
  simulation.world.after(3s, [&] { simulation.world.set_save_in_progress(id, true); });
  const auto report = resize(id, 3_GiB);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::domain_migrating) << report.error().message;
  EXPECT_EQ(report.error().report->outcome, Outcome::kept);
  EXPECT_LT(report.error().report->reached, 2_GiB);
  simulation.world.advance(60s);
  EXPECT_EQ(*simulation.world.target(id), report.error().report->reached);
}

}  // namespace
}  // namespace memctl::resize
