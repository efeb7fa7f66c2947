// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Resizes of guests with memory blocks of 2 GiB, as those of 64 GiB and more have them.
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "operation_fixture.hpp"
#include "resize/inquiry.hpp"

namespace memctl::resize {
namespace {

using host::sim::GuestSpec;
using testing::ElementsAre;
using testing::HasSubstr;

class LargeBlocks : public testing::TestWithParam<DomainType> {
 protected:
  DomainId add(Kib memory) {
    GuestSpec spec{.type = GetParam(), .memory = memory};
    spec.linux.block_size = 2_GiB;
    return simulation.world.add_guest(std::move(spec));
  }
  DomainIdentity identity(DomainId id) { return simulation.world.toolstack().find(id)->identity; }
  Result<Report> resize(DomainId id, Kib size) {
    ResizeOperation operation{simulation.port(), identity(id), size, {}};
    return simulation.run(operation.run());
  }
  SizeRange range(DomainId id) {
    return *simulation.run(status_of(simulation.port(), identity(id), question_of(ResizeOptions{})))
                .value()
                .range;
  }
  /// Notes each target that is set from now on.
  void listen(DomainId id) {
    asked.clear();
    watch_ = simulation.world.store().watch(host::sim::domain_path(id) + "/memory/target",
                                            [this, id](const std::string&) {
                                              const auto target = simulation.world.target(id);
                                              if (target && target != last_)
                                                asked.push_back(*target);
                                              last_ = target;
                                            });
    asked.clear();
  }

  test::Simulation simulation{{.host = 256_GiB}};
  std::vector<Kib> asked{};

 private:
  std::optional<Kib> last_{};
  host::sim::StoreModel::Registration watch_{};
};

INSTANTIATE_TEST_SUITE_P(Types, LargeBlocks,
                         testing::Values(DomainType::pv, DomainType::pvh, DomainType::hvm),
                         [](const auto& type) { return std::string{name(type.param)}; });

TEST_P(LargeBlocks, AreAddedWholeAndASizeBetweenIsRefusedWithTheNearest) {
  const DomainId id = add(64_GiB);
  EXPECT_EQ(range(id).step, 2_GiB);
  EXPECT_EQ(range(id).step_from, 64_GiB);
  for (const Kib size : {66_GiB, 72_GiB}) {
    const auto report = resize(id, size);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_TRUE(report.value().verified.all());
    EXPECT_EQ(simulation.world.populated(id), size);
    EXPECT_EQ(range(id).step_from, size);
  }
  EXPECT_EQ(simulation.world.guest(id).kernel().blocks_present(), 36);
  const auto refused = resize(id, 73_GiB);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().cause, Cause::block_size);
  EXPECT_THAT(
      refused.error().message,
      HasSubstr("its memory comes in blocks of 2048 MiB; next are 73728 MiB and 75776 MiB"));
  EXPECT_EQ(simulation.world.populated(id), 72_GiB);
}

TEST_P(LargeBlocks, AreGivenBackAndRefilledByPages) {
  const DomainId id = add(64_GiB);
  ASSERT_TRUE(resize(id, 70_GiB));
  const auto blocks = simulation.world.guest(id).kernel().blocks_present();
  for (const Kib size : {65_GiB - 4_KiB, 20_GiB + 12_KiB, 69_GiB + 4_KiB, 70_GiB - 4_KiB}) {
    const auto report = resize(id, size);
    ASSERT_TRUE(report) << to_string(size) << ": " << report.error().message;
    EXPECT_EQ(simulation.world.populated(id), size);
    EXPECT_EQ(range(id).step_from, 70_GiB);
  }
  EXPECT_EQ(simulation.world.guest(id).kernel().blocks_present(), blocks);
  ASSERT_TRUE(resize(id, 72_GiB));
  EXPECT_EQ(simulation.world.guest(id).kernel().blocks_present(), blocks + 1);
}

/// The driver asks for whole sections, and the kernel takes whole blocks alone. So the first size
/// of a stage, one page less, must need as many sections.
TEST_P(LargeBlocks, TheBalloonIsWokenByTheLastPageUnlessThatFillsTheBlock) {
  for (const Kib less : {0_KiB, 4_KiB, 128_MiB - 8_KiB, 128_MiB - 4_KiB}) {
    const DomainId id = add(64_GiB);
    const Kib size = 68_GiB - less;
    listen(id);
    const auto report = resize(id, size);
    ASSERT_TRUE(report) << to_string(size) << ": " << report.error().message;
    if (less == 128_MiB - 4_KiB) {
      EXPECT_THAT(asked, ElementsAre(size));
    } else {
      EXPECT_THAT(asked, ElementsAre(size - 4_KiB, size));
    }
    EXPECT_EQ(simulation.world.populated(id), size);
    simulation.world.destroy(id);
  }
}

TEST_P(LargeBlocks, StatusAndPlanNameTheStepFromWhichTheyCount) {
  const DomainId id = add(64_GiB);
  ASSERT_TRUE(resize(id, 66_GiB));
  ASSERT_TRUE(resize(id, 50_GiB));
  const auto plan = simulation.run(
      plan_only(simulation.port(), identity(id), 70_GiB, question_of(ResizeOptions{})));
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan.value().range, range(id));
  EXPECT_EQ(plan.value().range.step_from, 66_GiB);
  EXPECT_EQ(plan.value().range.step, 2_GiB);
  std::int64_t blocks = 0;
  for (const Stage& stage : plan.value().stages) blocks += stage.blocks;
  EXPECT_EQ(blocks, 2);
}

}  // namespace
}  // namespace memctl::resize
