// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Guests that still owe memory to a target which another tool set, and which the request replaces.
#include <string>

#include "operation_fixture.hpp"

namespace memctl::resize {
namespace {

using namespace std::chrono_literals;

class Rescue : public OperationOnSim {
 protected:
  /// A guest of 1 GiB whose processes hold `held`, and that another tool asked for 300 MiB a moment
  /// ago.
  DomainId on_its_way_to_300_mib(Kib held, host::Duration moment, std::string name = "g") {
    const DomainId id = add({.name = std::move(name), .memory = 1_GiB});
    auto& world = simulation.world;
    world.advance(2s);
    world.guest(id).kernel().hold(held);
    EXPECT_TRUE(world.mem_set(id, 300_MiB));
    world.advance(moment);
    return id;
  }
};

INSTANTIATE_TEST_SUITE_P(Types, Rescue, testing::Values(DomainType::pv, DomainType::pvh),
                         [](const auto& type) { return std::string{name(type.param)}; });

TEST_P(Rescue, AGuestThatCannotGiveWhatItOwesIsGrown) {
  auto& world = simulation.world;
  for (const auto moment : {0ms, 10ms, 100ms, 5000ms}) {
    const DomainId id = on_its_way_to_300_mib(600_MiB, moment, std::to_string(moment.count()));
    const auto report = resize(id, 1500_MiB);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_TRUE(report.value().verified.all());
    EXPECT_EQ(world.populated(id), 1500_MiB);
    EXPECT_EQ(world.guest(id).kernel().memory().oom_kills(), 0);
  }
}

TEST_P(Rescue, AGuestIsStoppedAtASizeOnItsWay) {
  auto& world = simulation.world;
  for (const auto moment : {0ms, 1ms, 10ms, 100ms, 300ms, 5000ms}) {
    for (const Kib to : {400_MiB, 800_MiB, 1000_MiB}) {
      const DomainId id = on_its_way_to_300_mib(
          10_MiB, moment, std::to_string(moment.count()) + " " + std::to_string(to / 1_MiB));
      const auto report = resize(id, to);
      ASSERT_TRUE(report) << report.error().message;
      EXPECT_EQ(world.populated(id), to);
    }
  }
}

TEST_P(Rescue, AGuestThatNeverSeesTheNewTargetStalls) {
  const DomainId id = on_its_way_to_300_mib(600_MiB, 5s);
  auto& guest = simulation.world.guest(id);
  guest.agent().set_conduct(host::sim::AgentConduct::stale);
  const auto begun = simulation.now();
  const auto report = resize(id, 1500_MiB);
  ASSERT_FALSE(report);
  EXPECT_NE(report.error().report->outcome, Outcome::verified);
  EXPECT_LT(simulation.now() - begun, 5min);
  EXPECT_FALSE(journal_stands(id));
}

}  // namespace
}  // namespace memctl::resize
