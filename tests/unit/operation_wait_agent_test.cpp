// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A resize that waits for the guest's agent.
#include <chrono>

#include "operation_fixture.hpp"

namespace memctl::resize {
namespace {

using host::sim::AgentConduct;
using namespace std::chrono_literals;

class WaitingForAnAgent : public OperationOnSim {
 protected:
  DomainId add_booting() {
    return add({.name = "booting", .linux = {.boot = 20s}, .booted = false});
  }
};
INSTANTIATE_TEST_SUITE_P(Types, WaitingForAnAgent, testing::Values(DomainType::pv, DomainType::pvh),
                         [](const auto& type) { return std::string{name(type.param)}; });

TEST_P(WaitingForAnAgent, AGuestThatBootsIsResizedOnceItsAgentAppears) {
  const auto began = simulation.now();
  const auto report = resize(add_booting(), 1_GiB, {.wait_agent = 60s});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report.value().outcome, Outcome::verified);
  EXPECT_GE(simulation.now() - began, 20s);
  EXPECT_LT(simulation.now() - began, 40s);
}

TEST_P(WaitingForAnAgent, AnAgentThatStartsAnewIsTakenForTheOneThatFellSilent) {
  const DomainId id = add();
  simulation.world.guest(id).agent().kill();
  simulation.world.after(12s, [&] {
    auto& agent = simulation.world.guest(id).agent();
    agent.set_conduct(AgentConduct::normal);
    agent.start(id);
  });
  const auto report = resize(id, 1_GiB, {.wait_agent = 60s});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report.value().outcome, Outcome::verified);
}

TEST_P(WaitingForAnAgent, ItIsRefusedIfNoneAppearsInTime) {
  const DomainId id = add({.agent = {.conduct = AgentConduct::absent}});
  const Limits before = limits(id);
  const auto began = simulation.now();
  const auto report = resize(id, 1_GiB, {.wait_agent = 7s});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::agent_absent);
  EXPECT_GE(simulation.now() - began, 7s);
  EXPECT_LT(simulation.now() - began, 8s);
  EXPECT_EQ(limits(id), before);
}

TEST_P(WaitingForAnAgent, ADomainThatIsUnpausedMeanwhileIsResized) {
  const DomainId id = add();
  simulation.world.pause(id);
  simulation.world.after(9s, [&] { simulation.world.unpause(id); });
  const auto report = resize(id, 1_GiB, {.wait_agent = 60s});
  ASSERT_TRUE(report) << report.error().message;
}

TEST_P(WaitingForAnAgent, TheEndOfTheDomainEndsTheWaiting) {
  const DomainId id = add_booting();
  simulation.world.after(3s, [&] { simulation.world.destroy(id); });
  const auto began = simulation.now();
  const auto report = resize(id, 1_GiB, {.wait_agent = 600s});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::domain_gone);
  EXPECT_LT(simulation.now() - began, 5s);
}

TEST_P(WaitingForAnAgent, TheTimeoutAndACancelCountMeanwhile) {
  const DomainId id = add_booting();
  const auto late = resize(id, 1_GiB, {.timeout = 5s, .wait_agent = 600s});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().cause, Cause::deadline);

  ResizeOperation operation{simulation.port(), identity(id), 1_GiB, {.wait_agent = 600s}};
  simulation.world.after(2s, [&] { operation.cancel(); });
  const auto cancelled = simulation.run(operation.run());
  ASSERT_FALSE(cancelled);
  EXPECT_EQ(cancelled.error().cause, Cause::cancelled);
}

}  // namespace
}  // namespace memctl::resize
