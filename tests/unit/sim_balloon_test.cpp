// SPDX-License-Identifier: LGPL-2.1-or-later
//
// When the thread of Linux's balloon sleeps, and what wakes it (balloon_thread in
// drivers/xen/balloon.c; the second was measured on real Xen: docs/xen-notes.md).
#include <gtest/gtest.h>

#include <algorithm>

#include "host/sim/world.hpp"
#include "sim_guest.hpp"

namespace memctl::host::sim {
namespace {

using namespace std::chrono_literals;

class SleepingBalloon : public testing::Test {
 protected:
  /// Adds three blocks, which nobody brings online, and lets the thread fall asleep.
  void ask_for_blocks(Kib size) {
    ASSERT_TRUE(world.mem_max(id, 512_MiB));
    ASSERT_TRUE(world.mem_set(id, size));
    world.advance(100ms);
    ASSERT_EQ(kernel.blocks_offline(), 3);
  }
  void bring_online() {
    while (kernel.blocks_offline() > 0) ASSERT_TRUE(kernel.online_block(false));
  }

  World world{};
  DomainId id{world.add_guest(with_policy(pv(), "offline"))};
  LinuxGuest& kernel{world.guest(id).kernel()};
};

TEST_F(SleepingBalloon, SleepsOutItsSecondAlthoughItsBlocksAreOnline) {
  ask_for_blocks(512_MiB);
  bring_online();
  world.advance(850ms);
  EXPECT_EQ(world.allocated(id), 160_MiB);
  world.advance(300ms);
  EXPECT_EQ(world.allocated(id), 512_MiB);
}

TEST_F(SleepingBalloon, SleepsOutItsSecondIfTheKernelOnlinesByItself) {
  kernel.set_online_policy("online_kernel");
  ASSERT_TRUE(world.mem_max(id, 512_MiB));
  ASSERT_TRUE(world.mem_set(id, 512_MiB));
  world.advance(950ms);
  EXPECT_EQ(kernel.blocks_offline(), 0);
  EXPECT_EQ(world.allocated(id), 160_MiB);
  world.advance(300ms);
  EXPECT_EQ(world.allocated(id), 512_MiB);
}

TEST_F(SleepingBalloon, IsWokenByAnotherTargetOnceItsBlocksAreOnline) {
  ask_for_blocks(512_MiB - 4_KiB);
  bring_online();
  ASSERT_TRUE(world.mem_set(id, 512_MiB));
  world.advance(300ms);
  EXPECT_EQ(world.allocated(id), 512_MiB);
}

TEST_F(SleepingBalloon, SleepsAnotherSecondIfItsTargetChangesBeforeItsBlocksAreOnline) {
  ask_for_blocks(512_MiB - 4_KiB);
  ASSERT_TRUE(world.mem_set(id, 512_MiB));
  world.advance(10ms);
  bring_online();
  world.advance(900ms);
  EXPECT_EQ(world.allocated(id), 160_MiB);
  world.advance(300ms);
  EXPECT_EQ(world.allocated(id), 512_MiB);
}

TEST_F(SleepingBalloon, IsNotWokenByATargetThatIsTakenBackAtOnce) {
  ask_for_blocks(512_MiB);
  bring_online();
  ASSERT_TRUE(world.mem_set(id, 512_MiB - 4_KiB));
  ASSERT_TRUE(world.mem_set(id, 512_MiB));
  world.advance(500ms);
  EXPECT_EQ(world.allocated(id), 160_MiB);
}

TEST_F(SleepingBalloon, IsNotWokenByLessThanAPage) {
  ask_for_blocks(512_MiB - 4_KiB);
  bring_online();
  ASSERT_TRUE(world.mem_set(id, 512_MiB - 1_KiB));
  world.advance(500ms);
  EXPECT_EQ(world.allocated(id), 160_MiB);
}

TEST_F(SleepingBalloon, ThatIsRefusedMemoryLosesOneOfItsFourTriesByEachWake) {
  world.take_host_memory(world.host_free());
  ask_for_blocks(512_MiB);
  bring_online();
  world.advance(1s);
  ASSERT_EQ(kernel.balloon(), LinuxGuest::Balloon::again);
  for (const Kib less : {4_KiB, 8_KiB}) {
    ASSERT_TRUE(world.mem_set(id, 512_MiB - less));
    world.advance(10ms);
    EXPECT_EQ(kernel.balloon(), LinuxGuest::Balloon::again);
  }
  ASSERT_TRUE(world.mem_set(id, 512_MiB));
  world.advance(10ms);
  EXPECT_EQ(kernel.balloon(), LinuxGuest::Balloon::cancelled);
}

TEST(SleepingBalloonOfLargeBlocks, ThatGaveUpTriesToAddItsMemoryOnceMoreWhenItIsWoken) {
  World world{{.host = 256_GiB}};
  GuestSpec spec = with_policy(pv(64_GiB), "online_kernel");
  spec.linux.block_size = 2_GiB;
  const DomainId id = world.add_guest(spec);
  const auto failures = [&] {
    return std::ranges::count(world.guest(id).kernel().log(),
                              "xen:balloon: Cannot add additional memory (-22)");
  };
  ASSERT_TRUE(set_size(world, id, 65_GiB));
  EXPECT_EQ(failures(), 1);
  ASSERT_TRUE(set_size(world, id, 65_GiB - 4_KiB));
  EXPECT_EQ(failures(), 2);
  EXPECT_EQ(world.allocated(id), 64_GiB);
}

}  // namespace
}  // namespace memctl::host::sim
