// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Domains that do not rest at a target of whole pages with max_pages above it, as on real hosts.
#include <chrono>
#include <string>

#include "operation_fixture.hpp"

namespace memctl::resize {
namespace {

using host::sim::AgentConduct;
using test::Simulation;
using namespace std::chrono_literals;

class OffTarget : public OperationOnSim {};

INSTANTIATE_TEST_SUITE_P(Types, OffTarget, testing::Values(DomainType::pv, DomainType::pvh),
                         [](const auto& type) { return std::string{name(type.param)}; });

TEST_P(OffTarget, AKernelThatRestsAFewPagesOffItsTargetIsServedLikeAnyOther) {
  const DomainId id =
      add({.linux = {.kernel_release = "6.12.57+deb13-amd64", .off_target = 24_KiB}});
  for (const Kib size : {2_GiB, 400_MiB, 3_GiB}) {
    const auto report = resize(id, size);
    ASSERT_TRUE(report) << to_string(size) << ": " << report.error().message;
    EXPECT_EQ(report.value().reached, size);
  }
}

TEST_P(OffTarget, ATargetThatIsNoWholeNumberOfPagesIsLeftAndComesBack) {
  for (const Kib odd : {1_KiB, 2_KiB, 3_KiB}) {
    const Kib size = 1_GiB - odd;
    const DomainId id = add({.name = "g" + to_string(odd), .memory = 1_GiB});
    auto& world = simulation.world;
    ASSERT_TRUE(world.mem_set(id, size));
    world.advance(1s);
    const Limits before = limits(id);
    const Kib had = world.allocated(id);

    const auto same = resize(id, size);
    ASSERT_TRUE(same) << same.error().message;
    EXPECT_EQ(same.value().reached, size);
    EXPECT_EQ(limits(id), before);

    for (const Kib to : {512_MiB, 2_GiB}) {
      const auto late = resize(id, to, {.timeout = 60ms});
      ASSERT_FALSE(late);
      EXPECT_EQ(late.error().report->outcome, Outcome::restored) << late.error().message;
      EXPECT_EQ(late.error().report->reached, size);
      EXPECT_EQ(world.target(id), before.target);
      EXPECT_EQ(world.allocated(id), had);

      const auto report = resize(id, to);
      ASSERT_TRUE(report) << report.error().message;
      EXPECT_EQ(report.value().reached, to);
      EXPECT_EQ(world.populated(id), to);
      ASSERT_TRUE(world.mem_set(id, size));
      world.advance(10s);
    }
  }
}

TEST_P(OffTarget, AMaxPagesBelowTheTargetIsLifted) {
  for (const bool agentless : {false, true}) {
    const DomainId id =
        add({.name = agentless ? "silent" : "answers",
             .memory = 1_GiB,
             .agent = {.conduct = agentless ? AgentConduct::absent : AgentConduct::normal}});
    auto& world = simulation.world;
    ASSERT_TRUE(world.write_target(id, 1000_MiB));
    world.advance(500ms);
    world.set_max_pages(id, world.allocated(id));
    ASSERT_TRUE(world.write_target(id, 1001_MiB));
    world.advance(60s);  // the balloon has given up
    ASSERT_EQ(world.populated(id), 1000_MiB);

    const auto report = resize(id, 1001_MiB, {.agentless = agentless});
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report.value().reached, 1001_MiB);
    EXPECT_EQ(world.populated(id), 1001_MiB);
  }
}

TEST_P(OffTarget, AMaxPagesBelowWhatTheDomainHasIsLifted) {
  const DomainId id = add({.memory = 1_GiB});
  simulation.world.set_max_pages(id, 1023_MiB);
  const auto report = resize(id, 1_GiB);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(simulation.world.max_pages(id), 1025_MiB);
}

TEST_P(OffTarget, ABalloonThatArrivesByItselfWhileItsAgentAnswersHasTheSize) {
  const DomainId id = add({.memory = 1_GiB, .agent = {.latency = 2s}});
  auto& world = simulation.world;
  ASSERT_TRUE(world.write_target(id, 1000_MiB));
  world.advance(500ms);
  world.set_max_pages(id, world.allocated(id));
  ASSERT_TRUE(world.write_target(id, 1001_MiB));
  const auto report = resize(id, 1001_MiB);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(world.populated(id), 1001_MiB);
}

TEST_P(OffTarget, ABalloonThatGaveUpCloseToItsTargetIsWoken) {
  const DomainId id = add({.memory = 1_GiB});
  auto& world = simulation.world;
  ASSERT_TRUE(world.write_target(id, 1000_MiB));
  world.advance(500ms);
  world.set_max_pages(id, world.allocated(id));
  ASSERT_TRUE(world.write_target(id, 1001_MiB));
  world.advance(60s);
  world.set_max_pages(id, 1002_MiB);  // too late
  world.advance(60s);
  ASSERT_EQ(world.populated(id), 1000_MiB);

  const auto report = resize(id, 1001_MiB);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(world.populated(id), 1001_MiB);
}

TEST_P(OffTarget, AKernelThatRestsOffItsTargetIsGrownFromItsWayToAnother) {
  const DomainId id = add({.memory = 1_GiB, .linux = {.off_target = 24_KiB}});
  ASSERT_TRUE(simulation.world.mem_set(id, 700_MiB));
  const auto report = resize(id, 2_GiB);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report.value().reached, 2_GiB);
}

TEST(OperationOnHvm, AGuestWithoutItsVideoMemoryIsGrownFromItsWayToAnotherTarget) {
  Simulation simulation;
  const DomainId id = simulation.world.add_guest(
      {.name = "vm", .type = DomainType::hvm, .memory = 1_GiB, .video_ram = 16_MiB});
  ASSERT_TRUE(simulation.world.mem_set(id, 700_MiB));
  ResizeOperation operation{
      simulation.port(), {.id = id, .name = "vm", .type = DomainType::hvm}, 2_GiB, {}};
  const auto report = simulation.run(operation.run());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report.value().reached, 2_GiB);
  EXPECT_EQ(simulation.world.allocated(id), 2_GiB - 16_MiB);
}

}  // namespace
}  // namespace memctl::resize
