// SPDX-License-Identifier: LGPL-2.1-or-later
//
// An operation whose libxl calls wait for the domain's lock, because another tool holds the lock.
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "operation_fixture.hpp"

namespace memctl::resize {
namespace {

using namespace std::chrono_literals;

class OperationUnderLock : public OperationOnSim {
 protected:
  /// Waits for the calls that operations gave up, as closing a host does.
  void until_libxl_has_answered() {
    simulation.context.restart();
    simulation.connection.run_until([] { return false; });
  }
  /// The owner in the record: empty if the record is disowned, nothing if there is no record.
  std::optional<std::string> owner(DomainId id) {
    const auto record = Journal{simulation.port().store(), identity(id)}.read().value();
    if (!record) return std::nullopt;
    return record->owner;
  }
};

INSTANTIATE_TEST_SUITE_P(Types, OperationUnderLock,
                         testing::Values(DomainType::pv, DomainType::pvh),
                         [](const auto& type) { return std::string{name(type.param)}; });

TEST_P(OperationUnderLock, WhoWaitsForLibxlsLockGivesUpTheWaitingAndNotTheCall) {
  auto& world = simulation.world;
  struct Case {
    std::string name;
    ResizeOptions options;
    Cause cause;
    host::Duration at_most;
  };
  for (const Case& one : {Case{"deadline", {.timeout = 2s}, Cause::deadline, 35s},
                          Case{"stall", {.stall = 20s}, Cause::stalled, 25s}}) {
    SCOPED_TRACE(one.name);
    const DomainId id = add({.name = one.name});
    world.after(300ms, [&] { world.hold_libxl_lock(id, 10min); });
    const auto begun = world.clock().now();
    const auto report = resize(id, 32_GiB, one.options);
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().cause, one.cause) << report.error().message;
    EXPECT_EQ(report.error().report->outcome, Outcome::failed);
    EXPECT_LE(world.clock().now() - begun, one.at_most);
    // The call may still take effect, so no operation may begin before its end.
    EXPECT_EQ(resize(id, 1_GiB).error().cause, Cause::busy);
    until_libxl_has_answered();
    const auto small = resize(id, 160_MiB);
    ASSERT_TRUE(small) << small.error().message;
    EXPECT_FALSE(journal_stands(id));
    EXPECT_EQ(world.host_claimed(), Kib{});
  }
}

TEST_P(OperationUnderLock, ARivalsLowerLimitIsNotLiftedAfterACallOfOursFailedForIt) {
  auto& world = simulation.world;
  const DomainId id = add({.linux = {.kernel_free = 5_MiB}});
  ASSERT_TRUE(world.mem_max(id, 1_GiB));
  // The first stage's call waits for the lock. The holder sets a limit for which libxl refuses it.
  ResizeOptions options;
  options.on_event = [&](const Event& event) {
    if (event.phase == Phase::online && event.stage == 1) {
      world.hold_libxl_lock(id, 2s);
      world.after(1s, [&] { ASSERT_TRUE(world.mem_max(id, 170_MiB)); });
    }
  };
  const auto report = resize(id, 800_MiB, options);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::superseded) << report.error().message;
  EXPECT_EQ(world.limit(id), 170_MiB);
  EXPECT_EQ(world.max_pages(id), 171_MiB);
}

TEST_P(OperationUnderLock, ARecoveryThatLibxlKeepsWaitingIsNotTakenForAnothersOperation) {
  auto& world = simulation.world;
  const DomainId id = add();
  const std::string dead = world.add_process();
  ASSERT_TRUE((Journal{simulation.port().store(), identity(id)}.begin({.owner = dead})));
  world.end_process(dead);
  world.hold_libxl_lock(id, 10min);
  const auto report = resize(id, 1_GiB);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::stalled) << report.error().message;
  EXPECT_EQ(owner(id), "") << "only a call that sets something holds the record";
  until_libxl_has_answered();
}

TEST_P(OperationUnderLock, TheReportSaysIfRestoringWaitsForLibxlsLock) {
  auto& world = simulation.world;
  const DomainId id = add();
  ResizeOperation* running = nullptr;
  ResizeOptions options;
  options.on_event = [&](const Event& event) {
    if (event.phase != Phase::populate || event.now < 1_GiB) return;
    world.hold_libxl_lock(id, 10min);
    running->cancel();
  };
  ResizeOperation operation{simulation.port(), identity(id), 32_GiB, options};
  running = &operation;
  const auto report = simulation.run(operation.run());
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::cancelled);
  EXPECT_EQ(report.error().report->outcome, Outcome::failed);
  EXPECT_NE(report.error().message.find("restoring failed"), std::string::npos)
      << report.error().message;
  EXPECT_NE(report.error().hint.find("once libxl's lock"), std::string::npos);
  until_libxl_has_answered();
}

TEST_P(OperationUnderLock, ACancelEndsTheWaitingForLibxlsLock) {
  auto& world = simulation.world;
  const DomainId id = add();
  std::optional<ResizeOperation> operation{std::in_place, simulation.port(), identity(id),
                                           SizeRequest{32_GiB}, ResizeOptions{}};
  world.after(300ms, [&] { world.hold_libxl_lock(id, 10min); });
  world.after(10s, [&] { operation->cancel(); });
  const auto begun = world.clock().now();
  const auto report = simulation.run(operation->run());
  operation.reset();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::cancelled) << report.error().message;
  EXPECT_EQ(report.error().report->outcome, Outcome::failed);
  EXPECT_LE(world.clock().now() - begun, 45s) << "the earlier state's calls wait for it too";
  EXPECT_TRUE(journal_stands(id));
  until_libxl_has_answered();
  const auto small = resize(id, 160_MiB);
  EXPECT_TRUE(small) << small.error().message;
  EXPECT_FALSE(journal_stands(id));
}

TEST_P(OperationUnderLock, ALockBetweenTheTwoTargetsOfAStageIsWaitedFor) {
  auto& world = simulation.world;
  const DomainId id = add();
  world.after(40ms, [&] { world.hold_libxl_lock(id, 3s); });
  const auto begun = world.clock().now();
  const auto report = resize(id, 1_GiB);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_GT(world.clock().now() - begun, 3s);
  EXPECT_EQ(world.target(id), 1_GiB);
  EXPECT_FALSE(journal_stands(id));
}

TEST_P(OperationUnderLock, AStageOnTheWayBackThatWaitsHoldsTheRecordWhateverOthersDo) {
  auto& world = simulation.world;
  const DomainId id = add();
  ASSERT_TRUE(resize(id, 1_GiB));
  ResizeOperation* running = nullptr;
  bool restores = false;
  ResizeOptions options;
  options.on_event = [&](const Event& event) {
    if (event.phase == Phase::populate && event.now < 900_MiB) running->cancel();
    if (event.phase != Phase::restore || std::exchange(restores, true)) return;
    world.hold_libxl_lock(id, 10min);
    world.after(10s, [&] { ASSERT_TRUE(world.write_limit(id, 5_GiB)); });
  };
  std::optional<ResizeOperation> operation{std::in_place, simulation.port(), identity(id),
                                           SizeRequest{400_MiB}, options};
  running = &*operation;
  const auto report = simulation.run(operation->run());
  operation.reset();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::cancelled) << report.error().message;
  EXPECT_EQ(report.error().report->outcome, Outcome::failed);
  EXPECT_EQ(owner(id), simulation.port().self()) << "its call may yet take effect";
  until_libxl_has_answered();
  EXPECT_EQ(owner(id), "");
}

TEST_P(OperationUnderLock, ASuspendedDomainsRecordIsHeldUntilLibxlHasAnswered) {
  auto& world = simulation.world;
  const DomainId id = add();
  bool begins = false;
  ResizeOptions options;
  options.on_event = [&](const Event& event) {
    if (event.phase != Phase::online || std::exchange(begins, true)) return;
    world.hold_libxl_lock(id, 10min);
    world.after(1s, [&] { world.suspend(id); });
  };
  const auto report = resize(id, 1_GiB, options);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::domain_migrating) << report.error().message;
  EXPECT_EQ(report.error().report->outcome, Outcome::gone);
  EXPECT_EQ(owner(id), simulation.port().self()) << "its call may yet take effect";
  until_libxl_has_answered();
  EXPECT_EQ(owner(id), "");
  world.resume(id);
  ASSERT_TRUE(resize(id, 160_MiB));
  EXPECT_EQ(owner(id), std::nullopt);
}

}  // namespace
}  // namespace memctl::resize
