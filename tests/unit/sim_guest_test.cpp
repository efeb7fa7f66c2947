// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What plain xl requests do to simulated guests. Each test is a case that was measured on real Xen.
#include <gtest/gtest.h>

#include <algorithm>

#include "host/sim/world.hpp"
#include "sim_guest.hpp"

namespace memctl::host::sim {
namespace {

using namespace std::chrono_literals;

TEST(SimGuest, MemSetAboveTheBootLimitIsLibxlsError) {
  World world;
  const DomainId id = world.add_guest(pv());
  const auto result = world.mem_set(id, 512_MiB);
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().log.at(0).find(
                "memory_dynamic_max must be less than or equal to memory_static_max"),
            std::string::npos);
  EXPECT_EQ(world.target(id), 160_MiB);
}

TEST(SimGuest, CountsTargetAndLimitInWholePages) {
  for (const Kib odd : {1_KiB, 2_KiB, 3_KiB}) {
    World world;
    const DomainId id =
        world.add_guest({.type = DomainType::pvh, .memory = 512_MiB, .maxmem = 512_MiB + odd});
    world.advance(10s);
    EXPECT_EQ(world.populated(id), 512_MiB);
    ASSERT_TRUE(world.mem_set(id, 400_MiB + odd));
    world.advance(10s);
    EXPECT_EQ(world.populated(id), 400_MiB);
  }
}

/// As measured on Xen 4.17 with Linux 6.1: see docs/xen-notes.md.
TEST(SimGuest, WithVideoMemoryGivesAsMuchUpAndCountsItTwice) {
  World world;
  const DomainId id =
      world.add_guest({.type = DomainType::hvm, .memory = 1_GiB, .video_ram = 16_MiB});
  world.advance(10s);
  const LinuxGuest& kernel = world.guest(id).kernel();
  EXPECT_EQ(world.target(id), 1032192_KiB);
  EXPECT_EQ(kernel.balloon_target(), 1015412_KiB);
  EXPECT_EQ(kernel.balloon_current(), 1015412_KiB);
  EXPECT_EQ(world.populated(id), 1008_MiB);
}

TEST(SimGuest, StaysAtItsSizeForEverIfBlocksAreNotOnlined) {
  World world;
  const DomainId id = world.add_guest(with_policy(pv(), "offline"));
  ASSERT_TRUE(set_size(world, id, 512_MiB));
  world.advance(24h);
  EXPECT_EQ(world.allocated(id), 160_MiB);
  EXPECT_EQ(world.guest(id).kernel().blocks_offline(), 3);
  EXPECT_EQ(world.guest(id).kernel().balloon(), LinuxGuest::Balloon::waiting_for_online);
  EXPECT_TRUE(world.guest(id).alive());
}

TEST(SimGuest, PvhStopsSilentlyAt952MiBWhenItsPoolRunsDry) {
  World world;
  const DomainId id = world.add_guest(with_policy(pvh(), "online_kernel"));
  EXPECT_EQ(world.pool(id), 1664_KiB);
  ASSERT_TRUE(set_size(world, id, 3584_MiB));
  EXPECT_EQ(round_down(world.allocated(id), 1_MiB), 952_MiB);
  EXPECT_TRUE(world.guest(id).kernel().log().empty());
  EXPECT_TRUE(world.guest(id).alive());
  EXPECT_TRUE(world.xen().consistent());
}

TEST(SimGuest, AMappingThatFailsLeavesItsPageChargedButNeverMoreThanAMiB) {
  World world;
  const DomainId id = world.add_guest(with_policy(pvh(), "online_kernel"));
  ASSERT_TRUE(set_size(world, id, 3584_MiB));
  EXPECT_GT(world.allocated(id), 952_MiB);
  for (int i = 1; i < 400; ++i) ASSERT_TRUE(set_size(world, id, 953_MiB + 4_KiB * i));
  EXPECT_LE(world.allocated(id), world.max_pages(id));
  EXPECT_TRUE(world.xen().consistent());
}

TEST(SimGuest, PvhWithADryPoolHitsAKernelBugWhenItShrinks) {
  World world;
  const DomainId id = world.add_guest(with_policy(pvh(), "online_movable"));
  ASSERT_TRUE(set_size(world, id, 3584_MiB));
  ASSERT_EQ(round_down(world.allocated(id), 1_MiB), 952_MiB);
  ASSERT_TRUE(world.mem_set(id, 200_MiB));
  world.advance(60s);
  EXPECT_FALSE(world.guest(id).alive());
  EXPECT_TRUE(logged(world.guest(id), "kernel BUG at drivers/xen/balloon.c:493"));
}

TEST(SimGuest, PvhWithARaisedPoolReaches3584MiBShrinksAndRegrows) {
  World world;
  const DomainId id = world.add_guest(with_policy(pvh(), "online_kernel"));
  ASSERT_EQ(world.set_pool(id, 16_MiB), 0);
  for (const Kib size : {3584_MiB, 400_MiB, 3584_MiB}) {
    ASSERT_TRUE(set_size(world, id, size));
    EXPECT_EQ(world.populated(id), size);
  }
  EXPECT_TRUE(world.guest(id).alive());
}

TEST(SimGuest, HvmGrowsAndShrinksWithARaisedPool) {
  World world;
  const DomainId id = world.add_guest({.name = "hvm",
                                       .type = DomainType::hvm,
                                       .memory = 256_MiB,
                                       .linux = {.online_policy = "online_kernel"}});
  ASSERT_EQ(world.set_pool(id, 16_MiB), 0);
  for (const Kib size : {1024_MiB, 500_MiB}) {
    ASSERT_TRUE(set_size(world, id, size));
    EXPECT_EQ(world.allocated(id), size);
  }
  EXPECT_TRUE(world.guest(id).alive());
}

TEST(SimGuest, PvWithMovableBlocksPanicsWhenItShrinksFrom2048To600) {
  World world;
  const DomainId id = world.add_guest(with_policy(pv(), "online_movable"));
  ASSERT_TRUE(set_size(world, id, 2048_MiB));
  ASSERT_EQ(world.allocated(id), 2048_MiB);
  EXPECT_GT(world.guest(id).kernel().memory().available(), 1850_MiB);
  ASSERT_TRUE(world.mem_set(id, 600_MiB));
  world.advance(60s);
  EXPECT_EQ(world.guest(id).kernel().life(), LinuxGuest::Life::panicked);
  EXPECT_EQ(world.xen().find(id)->shutdown, ShutdownReason::crash);
}

TEST(SimGuest, PvWithKernelBlocksShrinksFrom2048To600AndTo200) {
  World world;
  const DomainId id = world.add_guest(with_policy(pv(), "online_kernel"));
  for (const Kib size : {2048_MiB, 600_MiB, 200_MiB}) {
    ASSERT_TRUE(set_size(world, id, size));
    EXPECT_EQ(world.allocated(id), size);
  }
  EXPECT_TRUE(world.guest(id).alive());
}

TEST(SimGuest, TakesAllOfTheHostsMemoryGivesUpAndDoesNotGoOn) {
  World world{{.host = 2560_MiB}};
  const DomainId id = world.add_guest(with_policy(pv(500_MiB), "online_kernel"));
  ASSERT_EQ(world.host_free(), 2060_MiB);
  ASSERT_TRUE(set_size(world, id, 5000_MiB));
  EXPECT_EQ(world.host_free(), 0_KiB);
  EXPECT_EQ(world.allocated(id), 2560_MiB);
  EXPECT_EQ(world.guest(id).kernel().balloon(), LinuxGuest::Balloon::cancelled);
}

TEST(SimGuest, AfterGivingUpOnlyATargetOfAnotherValueWakesTheBalloon) {
  World world{{.host = 4_GiB}};
  const DomainId id = world.add_guest(with_policy(pv(500_MiB), "online_kernel"));
  ASSERT_EQ(world.take_host_memory(4_GiB), 4_GiB - 500_MiB);
  ASSERT_TRUE(set_size(world, id, 600_MiB));
  EXPECT_EQ(world.allocated(id), 500_MiB);

  world.take_host_memory(-1_GiB);
  ASSERT_TRUE(world.mem_set(id, 600_MiB));
  world.advance(1h);
  EXPECT_EQ(world.allocated(id), 500_MiB);

  ASSERT_TRUE(set_size(world, id, 601_MiB));
  EXPECT_EQ(world.allocated(id), 601_MiB);
}

TEST(SimGuest, GoesOnIfTheHostHasMemoryAgainBeforeItGaveUp) {
  World world{{.host = 4_GiB}};
  const DomainId id = world.add_guest(with_policy(pv(500_MiB), "online_kernel"));
  world.take_host_memory(4_GiB);
  world.after(10s, [&] { world.take_host_memory(-1_GiB); });
  ASSERT_TRUE(set_size(world, id, 600_MiB));
  EXPECT_EQ(world.allocated(id), 600_MiB);
}

TEST(SimGuest, TwoGuestsThatEachAskForTwoThirdsOfTheHostDrainIt) {
  World world{{.host = 3658_MiB + 2 * 160_MiB + 16_MiB + special_pages(DomainType::pvh)}};
  const DomainId first = world.add_guest(with_policy(pv(), "online_kernel"));
  const DomainId second = world.add_guest(with_policy(pvh(), "online_kernel"));
  ASSERT_EQ(world.set_pool(second, 16_MiB), 0);
  ASSERT_EQ(world.host_free(), 3658_MiB);
  for (const DomainId id : {first, second}) {
    ASSERT_TRUE(world.mem_max(id, 2438_MiB));
    ASSERT_TRUE(world.mem_set(id, 2438_MiB));
  }
  world.advance(60s);
  EXPECT_EQ(world.allocated(first), 2438_MiB);
  EXPECT_EQ(world.populated(second), 1540_MiB);
  EXPECT_EQ(world.host_free(), 0_KiB);
}

TEST(SimGuest, PvReaches3584MiBInOneStepWith14MiBLeftOf83) {
  World world;
  const DomainId id = world.add_guest(with_policy(pv(), "online_kernel"));
  EXPECT_EQ(world.guest(id).kernel().memory().kernel_free(), 83_MiB);
  Kib least = 83_MiB;
  world.guest(id).kernel().on_uevent = [&] {
    least = std::min(least, world.guest(id).kernel().memory().kernel_free());
  };
  ASSERT_TRUE(set_size(world, id, 3584_MiB));
  EXPECT_EQ(world.allocated(id), 3584_MiB);
  EXPECT_NEAR(static_cast<double>(least.count()), 14.0 * 1024, 2.0 * 1024);
}

bool adds_up(const GuestMemory& memory) {
  return memory.total() >= memory.available() && memory.available() >= Kib{} &&
         memory.total() >= memory.kernel_free() + memory.reclaimable();
}

TEST(SimGuest, MemAvailableIsNeverAboveMemTotalWhateverTheDescriptionSays) {
  for (const Kib booted : {4_MiB, 32_MiB, 160_MiB, 1_GiB}) {
    for (const Kib free : {Kib{}, 8_MiB, booted, GuestMemory::usually_free(booted)}) {
      for (const Kib cache : {Kib{}, 64_MiB, booted, 2 * booted}) {
        SCOPED_TRACE(std::to_string(booted.count()) + " " + std::to_string(free.count()) + " " +
                     std::to_string(cache.count()));
        GuestMemory memory{booted, free, cache};
        EXPECT_TRUE(adds_up(memory));
        memory.lock(4_MiB);
        memory.lock(-8_MiB);  // an agent gives back what it held from the boot on
        EXPECT_TRUE(adds_up(memory));
        memory.hold(booted);
        static_cast<void>(memory.kill_hog());
        EXPECT_TRUE(adds_up(memory));
        static_cast<void>(memory.shrink(2 * booted));
        EXPECT_TRUE(adds_up(memory));
        memory.grow(booted, GuestMemory::ZoneName::movable);
        memory.lock(-booted);
        EXPECT_TRUE(adds_up(memory));
      }
    }
  }
}

TEST(SimGuest, AGuestThatIsShrunkVeryFarKeepsAMemTotal) {
  World world;
  GuestSpec spec = pv(1_GiB);
  spec.linux.reclaimable = 512_MiB;
  const DomainId id = world.add_guest(spec);
  ASSERT_TRUE(set_size(world, id, 16_MiB));
  EXPECT_TRUE(adds_up(world.guest(id).kernel().memory()));
  EXPECT_GT(world.guest(id).mem_total(), Kib{});
}

TEST(SimGuest, ARestoreIntoAFrozenPoolLosesAGuestThatGrew) {
  World world;
  GuestSpec spec = with_policy(pvh(), "online_kernel");
  spec.freeze_pool = true;
  const DomainId id = world.add_guest(spec);
  ASSERT_EQ(world.set_pool(id, 16_MiB), 0);
  ASSERT_TRUE(set_size(world, id, 1200_MiB));
  const auto restored = world.save_and_restore(id);
  ASSERT_FALSE(restored);
  EXPECT_NE(restored.error().message.find("Failed to populate physmap"), std::string::npos);
  EXPECT_FALSE(world.guest(id).alive());
  EXPECT_TRUE(world.xen().consistent());
}

TEST(SimGuest, ARestoreComputesAPoolThatIsNotFrozenAnewAndTheGuestGrowsOn) {
  for (const DomainType type : {DomainType::pv, DomainType::pvh}) {
    World world;
    const DomainId id = world.add_guest(
        with_policy({.name = "guest", .type = type, .memory = 160_MiB}, "online_kernel"));
    if (type != DomainType::pv) {
      ASSERT_EQ(world.set_pool(id, 16_MiB), 0);
    }
    ASSERT_TRUE(set_size(world, id, 1200_MiB));
    const DomainId restored = world.save_and_restore(id).value();
    EXPECT_NE(restored, id);
    EXPECT_EQ(world.allocated(id), 0_KiB);
    EXPECT_EQ(world.populated(restored), 1200_MiB);
    EXPECT_EQ(world.max_pages(restored), 1201_MiB);
    ASSERT_TRUE(set_size(world, restored, 1400_MiB));
    EXPECT_EQ(world.populated(restored), 1400_MiB);
    EXPECT_TRUE(world.guest(restored).alive());
  }
}

TEST(SimGuest, RaisingStaticMaxBeforeTheFirstWatchIsSwallowedByTheOffset) {
  World world;
  GuestSpec spec = with_policy(pvh(), "online_kernel");
  spec.booted = false;
  const DomainId id = world.add_guest(spec);
  ASSERT_EQ(world.set_pool(id, 16_MiB), 0);
  ASSERT_TRUE(set_size(world, id, 1024_MiB));
  EXPECT_EQ(world.populated(id), 160_MiB);
}

TEST(SimGuest, AGuestBootedBelowItsMaximumBalloonsDownToItsTargetAndThenGrowsFreely) {
  World world;
  GuestSpec spec = with_policy(pvh(), "online_kernel");
  spec.maxmem = 512_MiB;
  spec.booted = false;
  const DomainId id = world.add_guest(spec);
  EXPECT_EQ(world.xen().find(id)->pod_entries, to_pages(352_MiB));
  world.advance(60s);
  EXPECT_EQ(world.xen().find(id)->pod_entries, Pages{});
  EXPECT_EQ(world.populated(id), 160_MiB);
  for (const Kib size : {400_MiB, 700_MiB, 300_MiB}) {
    ASSERT_TRUE(set_size(world, id, size));
    EXPECT_EQ(world.populated(id), size);
  }
  EXPECT_TRUE(world.guest(id).alive());
}

TEST(SimGuest, SettingTheTargetOfAPodGuestTakesHostMemoryAtOnce) {
  World world;
  GuestSpec spec = pvh();
  spec.maxmem = 512_MiB;
  spec.booted = false;
  const DomainId id = world.add_guest(spec);
  const Kib free = world.host_free();
  ASSERT_TRUE(world.mem_set(id, 300_MiB));
  EXPECT_GT(free - world.host_free(), 139_MiB);

  world.take_host_memory(world.host_free() - 10_MiB);
  EXPECT_FALSE(world.mem_set(id, 500_MiB));
  EXPECT_EQ(world.host_free(), 0_KiB);
}

TEST(SimGuest, APvGuestBootedBelowItsMaximumGrowsIntoItWithoutHotplug) {
  World world;
  GuestSpec spec = pv();
  spec.maxmem = 512_MiB;
  const DomainId id = world.add_guest(spec);
  ASSERT_TRUE(set_size(world, id, 500_MiB));
  EXPECT_EQ(world.allocated(id), 500_MiB);
  EXPECT_EQ(world.guest(id).kernel().blocks_offline(), 0);
}

TEST(SimGuest, AGuestOfLargeBlocksRefusesGrowthThatIsNoMultiple) {
  World world{{.host = 256_GiB}};
  GuestSpec spec = with_policy(pv(64_GiB), "online_kernel");
  spec.linux.block_size = 2_GiB;
  const DomainId id = world.add_guest(spec);
  ASSERT_TRUE(set_size(world, id, 65_GiB));
  EXPECT_EQ(world.allocated(id), 64_GiB);
  EXPECT_TRUE(logged(world.guest(id), "unaligned hotplug range"));
  ASSERT_TRUE(set_size(world, id, 66_GiB));
  EXPECT_EQ(world.allocated(id), 66_GiB);
  EXPECT_EQ(world.guest(id).kernel().blocks_present(), 33);
}

TEST(SimGuest, APvGuestStopsAtItsKernelsHotplugLimit) {
  World world;
  GuestSpec spec = with_policy(pv(), "online_kernel");
  spec.linux.hotplug_limit = 1_GiB;
  const DomainId id = world.add_guest(spec);
  ASSERT_TRUE(set_size(world, id, 2_GiB));
  EXPECT_EQ(world.allocated(id), 160_MiB);
}

TEST(SimGuest, AKernelWithoutHotplugNeverGrowsPastItsMaximum) {
  World world;
  GuestSpec spec = pv();
  spec.linux.hotplug = false;
  const DomainId id = world.add_guest(spec);
  ASSERT_TRUE(set_size(world, id, 512_MiB));
  EXPECT_EQ(world.allocated(id), 160_MiB);
}

TEST(SimGuest, AShrunkGuestRegrowsIntoTheSectionsThatItHas) {
  World world;
  const DomainId id = world.add_guest(with_policy(pv(), "online_kernel"));
  ASSERT_TRUE(set_size(world, id, 1024_MiB));
  const auto blocks = world.guest(id).kernel().blocks_present();
  ASSERT_TRUE(set_size(world, id, 400_MiB));
  ASSERT_TRUE(set_size(world, id, 1024_MiB));
  EXPECT_EQ(world.guest(id).kernel().blocks_present(), blocks);
}

TEST(SimGuest, AnOversizedShrinkOfKernelZonesEndsWithTheGuestAlive) {
  World world;
  const DomainId id = world.add_guest(with_policy(pv(), "online_kernel"));
  ASSERT_TRUE(set_size(world, id, 1024_MiB));
  ASSERT_TRUE(world.mem_set(id, 32_MiB));
  world.advance(120s);
  EXPECT_TRUE(world.guest(id).alive());
  EXPECT_GT(world.allocated(id), 32_MiB);
  EXPECT_EQ(world.guest(id).kernel().balloon(), LinuxGuest::Balloon::cancelled);
}

TEST(SimGuest, APausedGuestDoesNothingUntilItGoesOn) {
  World world;
  const DomainId id = world.add_guest(with_policy(pv(), "online_kernel"));
  world.pause(id);
  ASSERT_TRUE(set_size(world, id, 512_MiB));
  EXPECT_EQ(world.allocated(id), 160_MiB);
  world.unpause(id);
  world.advance(10s);
  EXPECT_EQ(world.allocated(id), 512_MiB);
}

TEST(SimGuest, ARebootKeepsSizeAndLimitUnderANewNumber) {
  World world;
  const DomainId id = world.add_guest(with_policy(pv(), "online_kernel"));
  ASSERT_TRUE(set_size(world, id, 1024_MiB));
  const DomainId rebooted = world.reboot(id);
  EXPECT_NE(rebooted, id);
  EXPECT_FALSE(world.guest(id).alive());
  EXPECT_EQ(world.allocated(id), 0_KiB);
  EXPECT_EQ(world.allocated(rebooted), 1024_MiB);
  EXPECT_EQ(world.limit(rebooted), 1024_MiB);
  EXPECT_TRUE(world.xen().consistent());
}

TEST(SimGuest, TheSameSeedGivesTheSameRun) {
  const auto run = [] {
    World world{{.seed = 7}};
    const DomainId id = world.add_guest(with_policy(pvh(), "online_kernel"));
    static_cast<void>(set_size(world, id, 700_MiB));
    return std::tuple{world.toolstack().find(id)->identity.uuid, world.allocated(id),
                      world.guest(id).kernel().memory().kernel_free(), world.clock().now()};
  };
  EXPECT_EQ(run(), run());
}

}  // namespace
}  // namespace memctl::host::sim
