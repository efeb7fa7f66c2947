// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The port that makes calls fail. The suites of this directory prove something only if it does so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "support/faults.hpp"
#include "support/simulation.hpp"

namespace memctl::test {
namespace {

using testing::ElementsAre;

class FaultyPortTest : public testing::Test {
 protected:
  host::Task<void> act(host::Port& port) {
    BOOST_OUTCOME_CO_TRY(co_await port.hypervisor().set_limit(id, 1_GiB));
    BOOST_OUTCOME_CO_TRY(port.hypervisor().claim(id, to_pages(1_GiB)));
    co_return port.store().transact(
        [](host::StoreView& view) { return view.write("/memctl/test", "done"); });
  }
  /// Calls `act` under `fault`, and stores the plan.
  Result<void> act_under(const Fault& fault) {
    plan = FaultPlan{fault};
    FaultyPort port{sim.port(), world, plan};
    return sim.run(act(port));
  }

  Simulation sim{};
  host::sim::World& world = sim.world;
  DomainId id = world.add_guest({.name = "web1"});
  FaultPlan plan{};
};

TEST_F(FaultyPortTest, CountsEveryCallByName) {
  FaultyPort port{sim.port(), world, plan};
  ASSERT_TRUE(sim.run(act(port)));
  EXPECT_THAT(plan.calls(), ElementsAre("set_limit", "claim", "transact", "transact.write"));
  EXPECT_FALSE(plan.happened());
}

TEST_F(FaultyPortTest, ACallThatFailsBeforeHasNoEffect) {
  EXPECT_EQ(act_under({.kind = Fault::Kind::fail_before, .call = "claim"}).error().raw, -3);
  EXPECT_TRUE(plan.happened());
  EXPECT_EQ(world.host_claimed(), 0_KiB);
}

TEST_F(FaultyPortTest, ACallThatFailsAfterHasItsEffect) {
  EXPECT_FALSE(act_under({.kind = Fault::Kind::fail_after, .nth = 2}));
  EXPECT_EQ(world.host_claimed(), 1_GiB - world.allocated(id));
}

TEST_F(FaultyPortTest, AKilledProcessIsGoneAndItsPortDoesNothingAnyMore) {
  const std::string self = sim.port().self();
  plan = FaultPlan{{.kind = Fault::Kind::kill_after, .call = "set_limit"}};
  FaultyPort port{sim.port(), world, plan};
  EXPECT_THROW(static_cast<void>(sim.run(act(port))), ProcessKilled);
  EXPECT_EQ(world.limit(id), 1_GiB);
  EXPECT_FALSE(sim.port().is_alive(self));
  EXPECT_FALSE(port.hypervisor().claim(id, to_pages(1_GiB)));
  EXPECT_FALSE(port.store().write("/memctl/test", "late"));
  EXPECT_EQ(world.host_claimed(), 0_KiB);
}

TEST_F(FaultyPortTest, AProcessKilledWithinATransactionLeavesNothingOfIt) {
  EXPECT_THROW(
      static_cast<void>(act_under({.kind = Fault::Kind::kill_after, .call = "transact.write"})),
      ProcessKilled);
  EXPECT_EQ(sim.port().store().read("/memctl/test").value(), std::nullopt);
}

TEST_F(FaultyPortTest, AProcessKilledAfterATransactionHasCommitted) {
  EXPECT_THROW(static_cast<void>(act_under({.kind = Fault::Kind::kill_after, .call = "transact"})),
               ProcessKilled);
  EXPECT_EQ(sim.port().store().read("/memctl/test").value(), "done");
}

}  // namespace
}  // namespace memctl::test
