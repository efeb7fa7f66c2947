// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Who owns a leftover, and who restores it. tests/faults shows that it is restored as a whole,
// wherever the process died.
#include "resize/recover.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "resize/operation.hpp"
#include "support/faults.hpp"
#include "support/simulation.hpp"

namespace memctl::resize {
namespace {

using host::sim::SimPort;
using test::Fault;
using test::FaultPlan;
using test::FaultyPort;
using test::Simulation;
using namespace std::chrono_literals;

class RecoverOnSim : public testing::Test {
 protected:
  /// Lets a process die after this call of a resize to 8 GiB.
  void die_after(const std::string& call, int nth = 1) {
    SimPort process{world};
    FaultPlan faults{{.kind = Fault::Kind::kill_after, .call = call, .nth = nth}};
    FaultyPort port{process, world, faults};
    ResizeOperation operation{port, identity, 8_GiB, {}};
    EXPECT_THROW(static_cast<void>(simulation.run(operation.run())), test::ProcessKilled);
  }

  Result<Recovery> recover_now(host::Port& port) {
    return simulation.run(recover(port, identity, {}));
  }
  Result<Recovery> recover_now() { return recover_now(simulation.port()); }

  std::string record() { return world.store().read(host::sim::dom0, path).value().value_or(""); }
  void write_record(const std::string& text) {
    world.store().write(host::sim::dom0, path, text).value();
  }

  Simulation simulation{};
  host::sim::World& world{simulation.world};
  DomainId id{world.add_guest({.name = "g"})};
  DomainIdentity identity{.id = id, .name = "g", .type = DomainType::pvh};
  std::string path{"/libxl/" + std::to_string(number(id)) + "/memctl"};
};

TEST_F(RecoverOnSim, WhatAnotherDomainOfTheSameNumberHasLeftIsNotTouched) {
  die_after("set_size");
  const std::string left = record();
  ASSERT_FALSE(left.empty());
  identity.uuid = "of a domain that has ended";
  const auto recovery = recover_now();
  ASSERT_FALSE(recovery);
  EXPECT_EQ(recovery.error().cause, Cause::no_such_domain);
  EXPECT_EQ(record(), left);
}

TEST_F(RecoverOnSim, NothingIsDoneIfNothingWasLeft) {
  const auto recovery = recover_now();
  ASSERT_TRUE(recovery);
  EXPECT_FALSE(recovery.value().report);
  EXPECT_EQ(recovery.value().unknown_claim, Kib{});
}

TEST_F(RecoverOnSim, TheReportTellsOfTheDeadOperation) {
  die_after("set_size");
  world.advance(1s);
  const auto recovery = recover_now();
  ASSERT_TRUE(recovery && recovery.value().report);
  const Report& report = *recovery.value().report;
  EXPECT_EQ(report.outcome, Outcome::restored);
  EXPECT_EQ(report.cause, std::nullopt);
  EXPECT_EQ(report.from, 160_MiB);
  EXPECT_EQ(report.requested, 8_GiB);
  EXPECT_EQ(report.reached, 160_MiB);
  EXPECT_EQ(report.limit, 160_MiB);
  EXPECT_EQ(report.pool, world.pool(id));
}

TEST_F(RecoverOnSim, APausedDomainIsLeftAsItIsUntilItRuns) {
  die_after("set_size");
  world.advance(1s);
  world.pause(id);
  const Kib limit = world.limit(id).value();
  const auto refused = recover_now();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().cause, Cause::domain_paused);
  EXPECT_EQ(world.limit(id), limit);
  world.unpause(id);
  world.advance(1s);
  const auto recovery = recover_now();
  ASSERT_TRUE(recovery && recovery.value().report);
  EXPECT_EQ(recovery.value().report->outcome, Outcome::restored);
}

TEST_F(RecoverOnSim, ARecordWhoseOwnerIsAliveIsLeftAlone) {
  SimPort other{world};
  ResizeOperation operation{other, identity, 8_GiB, {}};
  std::optional<Result<Report>> ended;
  boost::asio::co_spawn(
      simulation.context,
      [&]() -> boost::asio::awaitable<void> { ended.emplace(co_await operation.run()); },
      boost::asio::detached);
  simulation.context.restart();
  simulation.connection.run_until([&] { return world.allocated(id) > 500_MiB; });

  const std::string held = record();
  const auto recovery = recover_now();
  ASSERT_FALSE(recovery);
  EXPECT_EQ(recovery.error().cause, Cause::busy);
  EXPECT_NE(recovery.error().message.find(other.self()), std::string::npos);
  EXPECT_EQ(recovery.error().report, nullptr);
  EXPECT_EQ(record(), held);

  simulation.context.restart();
  simulation.connection.run_until([&] { return ended.has_value(); });
  EXPECT_TRUE(*ended) << ended->error().message;
}

TEST_F(RecoverOnSim, OneOfTwoRecoveriesTakesALeftoverOver) {
  die_after("claim");
  SimPort other{world};
  Record theirs = record_from(record()).value();
  theirs.owner = other.self();
  bool interfered = false;
  world.store().before_commit = [&] {
    if (!std::exchange(interfered, true)) write_record(to_text(theirs));
  };
  const auto recovery = recover_now();
  world.store().before_commit = {};
  ASSERT_FALSE(recovery);
  EXPECT_EQ(recovery.error().cause, Cause::busy);
  EXPECT_EQ(record(), to_text(theirs));
  EXPECT_GT(world.host_claimed(), Kib{}) << "the loser undid something";
}

TEST_F(RecoverOnSim, ARecordThatCannotBeReadIsLeftAloneWithAllThatBelongsToIt) {
  die_after("claim");
  for (const char* text : {"", "{}", "nonsense", R"({"format":2})"}) {
    write_record(text);
    const Kib claimed = world.host_claimed();
    const auto recovery = recover_now();
    ASSERT_FALSE(recovery);
    EXPECT_EQ(recovery.error().cause, Cause::journal_damaged);
    EXPECT_NE(recovery.error().advice().find("xenstore-rm " + path), std::string::npos);
    EXPECT_EQ(record(), text);
    EXPECT_EQ(world.host_claimed(), claimed);
  }
}

TEST_F(RecoverOnSim, ARecordBeyondTheBoundsOfARecordIsLeftAlone) {
  using Json = nlohmann::json;
  die_after("claim");
  const Json sound = Json::parse(record());
  Json deep = 1;
  for (int depth = 0; depth < 100; ++depth) deep = Json::array({std::move(deep)});
  const Json vast = (4096_TiB).count();
  const std::vector<std::pair<std::string, Json>> wrong = {
      {"size_kib", -4},
      {"present_kib", -1},
      {"limit_kib", -4},
      {"max_pages_kib", -4},
      {"to_kib", -4},
      {"pool_kib", -4},
      {"frozen_pool_kib", -4},
      {"size_kib", vast.get<std::int64_t>() + 1},
      {"to_kib", 1ULL << 62U},
      {"limit_kib", ~0ULL},
      {"size_kib", 1024.5},
      {"size_kib", 1e300},
      {"pool_kib", nullptr},
      {"settled_offset_kib", -vast.get<std::int64_t>() - 1},
      {"keep", 1},
      {"keep", "true"},
      {"keep", nullptr},
      {"owner", std::string(257, 'x')},
      {"owner", "a\nb"},
      {"owner", nullptr},
      {"operation", -1},
      {"later_member", deep},
      {"format", -1},
      {"owner", Json::array()},
      {"settled_offset_kib", vast.get<std::int64_t>() + 1}};
  for (const auto& [key, value] : wrong) {
    Json json = sound;
    json[key] = value;
    write_record(json.dump());
    const auto recovery = recover_now();
    ASSERT_FALSE(recovery) << key << " = " << value;
    EXPECT_EQ(recovery.error().cause, Cause::journal_damaged) << key << " = " << value;
  }
  const std::vector<std::pair<std::string, Json>> right = {
      {"size_kib", vast},
      {"settled_offset_kib", -vast.get<std::int64_t>()},
      {"owner", std::string(256, 'x')},
      {"later_member", Json{{"a", {1, 2}}}}};
  for (const auto& [key, value] : right) {
    Json json = sound;
    json[key] = value;
    EXPECT_TRUE(record_from(json.dump())) << key << " = " << value;
  }
  const std::string longest =
      sound.dump() + std::string(host::longest_value - sound.dump().size(), ' ');
  EXPECT_TRUE(record_from(longest));
  EXPECT_FALSE(record_from(longest + " ")) << "too long for a node, so nobody could take it over";
  EXPECT_FALSE(record_from(std::string(4096, '['))) << "deep, and no end";
}

TEST_F(RecoverOnSim, ARecordOfANewerMemctlIsLeftToThatMemctl) {
  const std::string dead = R"({"format":2,"owner":"nobody","what":"only a newer memctl knows"})";
  write_record(dead);
  const auto refused = recover_now();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().cause, Cause::journal_damaged);
  EXPECT_NE(refused.error().message.find("a newer memctl"), std::string::npos);
  EXPECT_EQ(refused.error().advice().find("xenstore-rm"), std::string::npos);
  EXPECT_EQ(record(), dead);

  SimPort other{world};
  const std::string alive = R"({"format":2,"owner":")" + other.self() + R"("})";
  write_record(alive);
  const auto busy = recover_now();
  ASSERT_FALSE(busy);
  EXPECT_EQ(busy.error().cause, Cause::busy);
  EXPECT_EQ(record(), alive);
}

TEST_F(RecoverOnSim, WhatALaterVersionAddedToARecordOutlivesARecoveryThatHasToWait) {
  die_after("set_size");
  world.advance(1s);
  std::string text = record();
  text.insert(1, R"("later":{"x":[1]},)");
  write_record(text);
  world.pause(id);
  EXPECT_EQ(recover_now().error().cause, Cause::domain_paused);
  EXPECT_NE(record().find(R"("later":{"x":[1]})"), std::string::npos) << record();
  world.unpause(id);
  world.advance(1s);
  EXPECT_TRUE(recover_now());
  EXPECT_EQ(record(), "");
}

TEST_F(RecoverOnSim, AClaimThatNoRecordTellsOfIsLeftAndTold) {
  ASSERT_TRUE(world.mem_max(id, 2_GiB));
  ASSERT_EQ(world.claim(id, 1_GiB), 0);
  const auto recovery = recover_now();
  ASSERT_TRUE(recovery);
  EXPECT_FALSE(recovery.value().report);
  EXPECT_EQ(recovery.value().unknown_claim, world.host_claimed());
  EXPECT_GT(world.host_claimed(), Kib{});
}

TEST_F(RecoverOnSim, AFailedRecoveryLeavesTheRestToTheNextAlthoughItsProcessLives) {
  die_after("set_size");
  FaultPlan faults{{.call = "set_limit"}};
  FaultyPort port{simulation.port(), world, faults};
  const auto failed = recover_now(port);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().cause, Cause::hypervisor_error);
  ASSERT_TRUE(failed.error().report);
  EXPECT_EQ(failed.error().report->outcome, Outcome::failed);

  const auto recovery = recover_now();
  ASSERT_TRUE(recovery) << recovery.error().message;
  EXPECT_EQ(recovery.value().report->outcome, Outcome::restored);
  EXPECT_EQ(record(), "");
}

TEST_F(RecoverOnSim, AnOperationThatCouldNotRestoreIsRecoveredAlthoughItsProcessLives) {
  FaultPlan faults{{.call = "set_limit", .nth = 2}};
  FaultyPort port{simulation.port(), world, faults};
  ResizeOperation operation{port, identity, 8_GiB, {.timeout = 500ms}};
  const auto failed = simulation.run(operation.run());
  ASSERT_FALSE(failed);
  ASSERT_EQ(failed.error().report->outcome, Outcome::failed);

  const auto recovery = recover_now();
  ASSERT_TRUE(recovery) << recovery.error().message;
  EXPECT_EQ(recovery.value().report->outcome, Outcome::restored);
}

TEST_F(RecoverOnSim, AGrownGuestKeepsItsMemoryIfOnlyTheClaimCouldNotBeReleased) {
  FaultPlan faults{{.call = "release_claim"}};
  FaultyPort port{simulation.port(), world, faults};
  ResizeOperation operation{port, identity, 1_GiB, {}};
  const auto failed = simulation.run(operation.run());
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().report->outcome, Outcome::failed);
  EXPECT_EQ(failed.error().report->reached, 1_GiB);

  const auto recovery = recover_now();
  ASSERT_TRUE(recovery) << recovery.error().message;
  EXPECT_EQ(recovery.value().report->outcome, Outcome::kept);
  EXPECT_EQ(world.target(id), 1_GiB);
  EXPECT_EQ(world.limit(id), 1_GiB);
  EXPECT_EQ(world.max_pages(id), 1_GiB + 1_MiB);
  EXPECT_EQ(record(), "");
}

TEST_F(RecoverOnSim, AGuestWhoseAgentIsSilentKeepsWhatItHas) {
  die_after("set_size");
  world.advance(2s);
  world.guest(id).agent().kill();
  const auto recovery = recover_now();
  ASSERT_TRUE(recovery) << recovery.error().message;
  const Report& report = *recovery.value().report;
  EXPECT_EQ(report.outcome, Outcome::kept);
  EXPECT_EQ(report.cause, Cause::agent_absent);
  EXPECT_GT(report.reached, 1_GiB);
  EXPECT_EQ(world.target(id), report.reached);
  EXPECT_EQ(world.limit(id), report.limit);
  EXPECT_TRUE(world.guest(id).alive());
  EXPECT_EQ(world.host_claimed(), Kib{});
}

TEST_F(RecoverOnSim, AGuestThatGivesItsMemoryBackInManySlowStagesKeepsTheRest) {
  die_after("set_size");
  world.advance(2s);  // nobody wakes its balloon before its second is over
  // Fast enough for each stage, too slow for all of them together.
  world.guest(id).kernel().spec().populated_per_second = 1_MiB;
  const auto begun = simulation.now();
  const auto recovery = simulation.run(recover(simulation.port(), identity, {.stall = 10s}));
  ASSERT_TRUE(recovery && recovery.value().report);
  const Report& report = *recovery.value().report;
  EXPECT_EQ(report.outcome, Outcome::kept);
  EXPECT_EQ(report.cause, Cause::stalled);
  EXPECT_EQ(report.message, "g: after 640 s the guest was still on the way to 160 MiB");
  EXPECT_GE(simulation.now() - begun, 640s);
  EXPECT_LT(simulation.now() - begun, 660s);
  EXPECT_EQ(world.target(id), report.reached);
  EXPECT_EQ(world.limit(id), report.limit);
  EXPECT_EQ(record(), "");
}

TEST(RecoverTogether, GuestsThatGetMemoryBackLeaveTheHostItsReserve) {
  Simulation simulation{};
  host::sim::World& world = simulation.world;
  std::vector<DomainIdentity> domains;
  Kib shrunk{};
  for (const char* name : {"g1", "g2"}) {
    const DomainId id = world.add_guest({.name = name, .memory = 4_GiB});
    domains.push_back({.id = id, .name = name, .type = DomainType::pvh});
    SimPort process{world};
    FaultPlan faults{{.kind = Fault::Kind::kill_after, .call = "set_size"}};
    FaultyPort port{process, world, faults};
    ResizeOperation operation{port, domains.back(), 1_GiB, {}};
    EXPECT_THROW(static_cast<void>(simulation.run(operation.run())), test::ProcessKilled);
    world.advance(10s);
    shrunk = 4_GiB - world.allocated(id);
  }
  ASSERT_GT(shrunk, 1_GiB);
  // The host has enough for one of them.
  world.take_host_memory(world.host_free() - shrunk - 200_MiB);
  Kib least_free = world.host_free();
  std::function<void()> look = [&] {
    least_free = std::min(least_free, world.host_free());
    world.after(10ms, look);
  };
  look();

  Turns turns;
  std::optional<Result<Recovery>> first;
  boost::asio::co_spawn(
      simulation.context,
      [&]() -> boost::asio::awaitable<void> {
        first.emplace(co_await recover(simulation.port(), domains[0], {}, &turns));
      },
      boost::asio::detached);
  const auto second = simulation.run(recover(simulation.port(), domains[1], {}, &turns));
  simulation.context.restart();
  simulation.connection.run_until([&] { return first.has_value(); });

  ASSERT_TRUE(*first && second);
  EXPECT_EQ(first->value().report->outcome, Outcome::restored);
  EXPECT_EQ(second.value().report->outcome, Outcome::kept);
  EXPECT_EQ(second.value().report->cause, Cause::host_memory);
  EXPECT_GE(least_free, 64_MiB);
}

TEST_F(RecoverOnSim, ATargetThatAnotherToolSetsMeanwhileStands) {
  die_after("set_size");
  world.advance(3s);
  world.after(100ms, [&] { ASSERT_TRUE(world.mem_set(id, 1_GiB)); });
  const auto recovery = recover_now();
  ASSERT_FALSE(recovery);
  EXPECT_EQ(recovery.error().cause, Cause::superseded);
  EXPECT_EQ(recovery.error().report->outcome, Outcome::superseded);
  EXPECT_EQ(world.target(id), 1_GiB);
  EXPECT_EQ(world.host_claimed(), Kib{});
  EXPECT_EQ(record(), "");
}

TEST_F(RecoverOnSim, ADomainThatIsSuspendedIsLeftForLater) {
  die_after("set_size");
  world.suspend(id);
  const auto recovery = recover_now();
  ASSERT_FALSE(recovery);
  EXPECT_EQ(recovery.error().cause, Cause::domain_migrating);
  EXPECT_EQ(recovery.error().report, nullptr);
  EXPECT_NE(record(), "");
}

TEST_F(RecoverOnSim, ADomainThatEndsLeavesNothingBehind) {
  die_after("claim");
  world.shut_down(id, ShutdownReason::poweroff);
  const auto recovery = recover_now();
  ASSERT_FALSE(recovery);
  EXPECT_EQ(recovery.error().cause, Cause::domain_gone);
  EXPECT_EQ(recovery.error().report->outcome, Outcome::gone);
  EXPECT_EQ(record(), "");
  EXPECT_EQ(world.host_claimed(), Kib{});

  world.destroy(id);
  EXPECT_EQ(recover_now().error().cause, Cause::no_such_domain);
  EXPECT_EQ(record(), "");
}

}  // namespace
}  // namespace memctl::resize
