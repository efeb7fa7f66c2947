// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How far each stage of a shrink goes: half of what the guest could give at that moment, by figures
// from after the last page of the stage before, however fast the balloon and however late the
// reports.
#include <algorithm>
#include <chrono>
#include <string>

#include "operation_fixture.hpp"

namespace memctl::resize {
namespace {

using namespace std::chrono_literals;

class ShrinkInStages : public OperationOnSim {};

INSTANTIATE_TEST_SUITE_P(Types, ShrinkInStages, testing::Values(DomainType::pv, DomainType::pvh),
                         [](const auto& type) { return std::string{name(type.param)}; });

TEST_P(ShrinkInStages, EachTakesHalfOfWhatIsFreeThenAtMost) {
  auto& world = simulation.world;
  for (const bool needs_memory : {false, true}) {
    for (const Kib per_second : {512_MiB, 2_GiB, 10_GiB}) {
      for (const auto late : {0ms, 50ms, 200ms, 500ms}) {
        const std::string name = std::to_string(per_second / 1_MiB) + "-" +
                                 std::to_string(late.count()) + (needs_memory ? "-taking" : "");
        SCOPED_TRACE(name);
        const DomainId id = add({.name = name,
                                 .memory = 4_GiB,
                                 .linux = {.populated_per_second = per_second},
                                 .agent = {.report_latency = late}});
        const Kib smallest = resize(id, 4_MiB).error().range->smallest.size;
        auto& kernel = world.guest(id).kernel();
        Kib last = *world.target(id);
        int stages = 0;
        const auto watch = world.store().watch(
            host::sim::domain_path(id) + "/memory/target", [&](const std::string&) {
              const Kib target = world.target(id).value_or(last);
              if (target < last) {
                EXPECT_EQ(world.populated(id), last);
                EXPECT_LE(last - target, kernel.memory().kernel_free() / 2 + 1_MiB);
                // A process of the guest takes memory in the middle of the first stage.
                const bool takes = needs_memory && stages++ == 0;
                if (takes) {
                  world.after(2ms, [&] { kernel.hold(kernel.memory().kernel_free() * 2 / 5); });
                }
              }
              last = target;
            });
        const auto report = resize(id, smallest);
        if (!needs_memory) {
          ASSERT_TRUE(report) << report.error().message;
          EXPECT_EQ(world.populated(id), smallest);
        }
        EXPECT_TRUE(world.guest(id).alive());
        EXPECT_EQ(kernel.memory().oom_kills(), 0);
      }
    }
  }
}

}  // namespace
}  // namespace memctl::resize
