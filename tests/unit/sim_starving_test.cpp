// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What plain xl requests do to simulated guests that have almost no memory left. Each test is a
// case that was measured on real Xen.
#include <gtest/gtest.h>

#include "host/sim/world.hpp"
#include "sim_guest.hpp"

namespace memctl::host::sim {
namespace {

using namespace std::chrono_literals;

TEST(SimStarvingGuest, StarvingPvWith12MiBStaysAndHas2Left) {
  World world;
  const DomainId id = world.add_guest(starving(pv(), 12_MiB));
  ASSERT_TRUE(set_size(world, id, 1024_MiB));
  EXPECT_EQ(world.allocated(id), 160_MiB);
  EXPECT_EQ(world.guest(id).kernel().memory().kernel_free(), 2_MiB);
  EXPECT_TRUE(world.guest(id).alive());
}

TEST(SimStarvingGuest, StarvingPvWith5MiBIsKilledByItsOomKiller) {
  World world;
  const DomainId id = world.add_guest(starving(pv(), 5_MiB));
  ASSERT_TRUE(set_size(world, id, 1024_MiB));
  EXPECT_TRUE(logged(world.guest(id), "Cannot add additional memory (-12)"));
  EXPECT_EQ(world.guest(id).kernel().life(), LinuxGuest::Life::panicked);
}

class StarvingPvh : public testing::TestWithParam<int> {};

TEST_P(StarvingPvh, IsKilledByItsOomKiller) {
  World world;
  const DomainId id = world.add_guest(starving(pvh(), 1_MiB * GetParam()));
  ASSERT_TRUE(set_size(world, id, 1024_MiB));
  EXPECT_EQ(world.guest(id).kernel().life(), LinuxGuest::Life::panicked);
}

INSTANTIATE_TEST_SUITE_P(WithMiB, StarvingPvh, testing::Values(12, 5));

TEST(SimStarvingGuest, ALargerStarvingGuestLosesAServiceInstead) {
  World world;
  const DomainId id = world.add_guest(starving(pvh(), 65_MiB));
  world.guest(id).kernel().hold(60_MiB);
  ASSERT_TRUE(set_size(world, id, 1024_MiB));
  EXPECT_TRUE(world.guest(id).alive());
  EXPECT_EQ(world.guest(id).kernel().memory().oom_kills(), 1);
}

struct StagedCase {
  DomainType type;
  Kib free;
  Kib first;
};

class StarvingInStages : public testing::TestWithParam<StagedCase> {};

TEST_P(StarvingInStages, Reaches1024MiBAlive) {
  const auto [type, free, first] = GetParam();
  World world;
  const DomainId id =
      world.add_guest(starving({.name = "guest", .type = type, .memory = 160_MiB}, free));
  for (const Kib size : {first, 288_MiB, 1024_MiB}) {
    ASSERT_TRUE(set_size(world, id, size));
    EXPECT_EQ(world.populated(id), size);
  }
  EXPECT_TRUE(world.guest(id).alive());
  EXPECT_EQ(world.guest(id).kernel().memory().oom_kills(), 0);
}

INSTANTIATE_TEST_SUITE_P(Guests, StarvingInStages,
                         testing::Values(StagedCase{DomainType::pv, 12_MiB, 288_MiB},
                                         StagedCase{DomainType::pv, 12_MiB, 168_MiB},
                                         StagedCase{DomainType::pv, 5_MiB, 288_MiB},
                                         StagedCase{DomainType::pv, 5_MiB, 168_MiB},
                                         StagedCase{DomainType::pvh, 12_MiB, 288_MiB},
                                         StagedCase{DomainType::pvh, 12_MiB, 168_MiB},
                                         StagedCase{DomainType::pvh, 5_MiB, 288_MiB},
                                         StagedCase{DomainType::pvh, 5_MiB, 168_MiB}));

TEST(SimStarvingGuest, TheFirstBlockCosts2To3MiB) {
  for (const DomainType type : {DomainType::pv, DomainType::pvh}) {
    World world;
    const DomainId id =
        world.add_guest(starving({.name = "guest", .type = type, .memory = 160_MiB}, 12_MiB));
    ASSERT_TRUE(set_size(world, id, 161_MiB));
    const Kib left = world.guest(id).kernel().memory().kernel_free() - 1_MiB;
    EXPECT_GE(12_MiB - left, 2100_KiB);
    EXPECT_LE(12_MiB - left, 2900_KiB);
  }
}

}  // namespace
}  // namespace memctl::host::sim
