// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Resizes of guests whose kernel has 32 bits.
#include <gmock/gmock.h>

#include <chrono>
#include <string>
#include <vector>

#include "operation_fixture.hpp"
#include "resize/inquiry.hpp"

namespace memctl::resize {
namespace {

using host::sim::GuestSpec;
using host::sim::LinuxSpec;
using testing::HasSubstr;

class Of32Bits : public OperationOnSim {
 protected:
  static GuestSpec narrow(Kib memory) {
    GuestSpec spec{.memory = memory};
    spec.linux = LinuxSpec::of_32_bits();
    return spec;
  }
  host::sim::Guest& guest(DomainId id) { return simulation.world.guest(id); }
};

INSTANTIATE_TEST_SUITE_P(Types, Of32Bits,
                         testing::Values(DomainType::pv, DomainType::pvh, DomainType::hvm),
                         [](const auto& type) { return std::string{name(type.param)}; });

TEST_P(Of32Bits, GrowShrinkAndGrowAgain) {
  const DomainId id = add(narrow(512_MiB));
  for (const Kib size : {1100_MiB, 3_GiB, 300_MiB, 3_GiB, 700_MiB + 4_KiB, 512_MiB}) {
    const auto report = resize(id, size);
    ASSERT_TRUE(report) << to_string(size) << ": " << report.error().message;
    EXPECT_TRUE(report.value().verified.all());
    EXPECT_EQ(simulation.world.populated(id), size);
    EXPECT_TRUE(guest(id).alive());
  }
  simulation.world.advance(std::chrono::seconds{1});  // until the agent has let go
  EXPECT_EQ(guest(id).kernel().blocks_present(), 6);
  EXPECT_EQ(guest(id).kernel().blocks_movable(), 0);
  EXPECT_EQ(guest(id).kernel().spec().online_policy, "offline") << "as it was before";
  EXPECT_EQ(guest(id).kernel().memory().oom_kills(), 0);
}

/// One target less a page, and the whole once its blocks are online, unless the last page needs a
/// section of its own.
TEST_P(Of32Bits, TheBalloonIsWokenByTheLastPageOfASection) {
  for (const Kib more : {-4_KiB, 0_KiB, 4_KiB, 8_KiB}) {
    const DomainId id = add(narrow(512_MiB));
    std::vector<Kib> asked;
    const auto watch = simulation.world.store().watch(
        host::sim::domain_path(id) + "/memory/target", [&](const std::string&) {
          const auto target = simulation.world.target(id);
          if (target && *target != 512_MiB && (asked.empty() || asked.back() != *target)) {
            asked.push_back(*target);
          }
        });
    const Kib size = 1_GiB + more;
    const auto report = resize(id, size);
    ASSERT_TRUE(report) << report.error().message;
    const std::size_t targets = more == 4_KiB ? 1 : 2;
    ASSERT_EQ(asked.size(), targets) << to_string(size);
    EXPECT_EQ(asked.back(), size);
    simulation.world.destroy(id);
  }
}

TEST_P(Of32Bits, AGrowthThatLowMemoryCannotDescribeIsRefusedWithTheSizesThatCanBeHad) {
  GuestSpec spec = narrow(1_GiB);
  spec.linux.kernel_free = 40_MiB;
  const DomainId id = add(spec);
  const Limits before = limits(id);
  const auto refused = resize(id, 40_GiB);
  ASSERT_FALSE(refused);
  const bool pv = GetParam() == DomainType::pv;
  EXPECT_EQ(refused.error().cause, pv ? Cause::address_limit : Cause::guest_memmap);
  EXPECT_EQ(limits(id), before);
  const Kib largest = refused.error().range->largest.size;
  const auto report = resize(id, largest);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(simulation.world.populated(id), largest);
  EXPECT_TRUE(guest(id).alive());
  // All of that is high memory, and can be given back.
  const auto status =
      simulation.run(status_of(simulation.port(), identity(id), question_of(ResizeOptions{})));
  ASSERT_TRUE(status && status.value().range);
  EXPECT_LT(status.value().range->smallest.size, 1_GiB + 100_MiB);
}

TEST_P(Of32Bits, ANewerKernelIsNotGivenMemoryOfWhichItWouldDie) {
  GuestSpec spec = narrow(512_MiB);
  spec.linux.kernel_release = "5.4.0-686-pae";
  const DomainId id = add(spec);
  const auto refused = resize(id, 1_GiB);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().cause, Cause::guest_kernel_fault) << refused.error().message;
  EXPECT_EQ(guest(id).kernel().blocks_present(), 1);
  for (const Kib size : {400_MiB, 512_MiB}) {
    const auto report = resize(id, size);
    ASSERT_TRUE(report) << report.error().message;
  }
}

class PvOf32Bits : public Of32Bits {};
INSTANTIATE_TEST_SUITE_P(Types, PvOf32Bits, testing::Values(DomainType::pv),
                         [](const auto& type) { return std::string{name(type.param)}; });

TEST_P(PvOf32Bits, GrowsTo4GiBAndNotFurther) {
  const DomainId id = add(narrow(1_GiB));
  const auto refused = resize(id, 4_GiB + 4_KiB);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().cause, Cause::address_limit);
  EXPECT_EQ(refused.error().range->largest.size, 4_GiB);
  EXPECT_THAT(refused.error().message, HasSubstr("32-bit kernel of a pv guest"));
  const auto report = resize(id, 4_GiB);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(simulation.world.populated(id), 4_GiB);
}

}  // namespace
}  // namespace memctl::resize
