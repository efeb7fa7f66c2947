// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Simulated guests whose kernel has 32 bits. The rules were read in Linux, and some of them seen on
// real Xen (tests/lab/test_32_bit_kernel.py).
#include <gtest/gtest.h>

#include <string>

#include "host/sim/world.hpp"
#include "sim_guest.hpp"

namespace memctl::host::sim {
namespace {

constexpr auto types = {DomainType::pv, DomainType::pvh, DomainType::hvm};

GuestSpec narrow(DomainType type, Kib memory, Kib pool = 64_MiB) {
  GuestSpec spec{.name = "old", .type = type, .memory = memory, .pool = pool};
  spec.linux = LinuxSpec::of_32_bits();
  spec.linux.online_policy = "online";
  return spec;
}

TEST(Sim32Bit, TheKernelCanUseAtMost896MiB) {
  for (const Kib booted : {160_MiB, 896_MiB, 1_GiB, 4_GiB}) {
    World world;
    const DomainId id = world.add_guest(narrow(DomainType::pv, booted));
    const GuestMemory& memory = world.guest(id).kernel().memory();
    EXPECT_LT(memory.kernel_free(), 896_MiB);
    EXPECT_EQ(memory.high_free().has_value(), booted > 896_MiB) << booted.count();
    if (booted > 896_MiB) {
      EXPECT_EQ(*memory.high_free(), booted - 896_MiB - 4_MiB) << "the agent holds 4 MiB";
    }
    EXPECT_LT(memory.total(), booted);
  }
}

TEST(Sim32Bit, AddsSectionsOf512MiBThatOnlyProcessesCanUse) {
  for (const DomainType type : types) {
    World world;
    const DomainId id = world.add_guest(narrow(type, 512_MiB));
    const LinuxGuest& kernel = world.guest(id).kernel();
    const Kib free = kernel.memory().kernel_free();
    ASSERT_TRUE(set_size(world, id, 1_GiB + 100_MiB));
    EXPECT_EQ(world.populated(id), 1_GiB + 100_MiB);
    EXPECT_EQ(kernel.blocks_present(), 3);
    const Kib cost = free - kernel.memory().kernel_free();
    EXPECT_GE(cost, 8_MiB) << "4 MiB for each section";
    EXPECT_LE(cost, 10_MiB);
    EXPECT_GT(kernel.memory().high_free(), 580_MiB);
    EXPECT_EQ(kernel.balloon_inflated(), 1_GiB - 612_MiB);
  }
}

TEST(Sim32Bit, GivesHighMemoryBackFirstAndRegrows) {
  for (const DomainType type : types) {
    World world;
    const DomainId id = world.add_guest(narrow(type, 512_MiB));
    ASSERT_TRUE(set_size(world, id, 2_GiB));
    const LinuxGuest& kernel = world.guest(id).kernel();
    const Kib low = kernel.memory().kernel_free();
    ASSERT_TRUE(set_size(world, id, 700_MiB));
    EXPECT_EQ(kernel.memory().kernel_free(), low);
    ASSERT_TRUE(set_size(world, id, 400_MiB));
    EXPECT_LT(kernel.memory().kernel_free(), low);
    ASSERT_TRUE(set_size(world, id, 2_GiB));
    EXPECT_EQ(world.populated(id), 2_GiB);
    EXPECT_EQ(kernel.memory().kernel_free(), low);
    EXPECT_EQ(kernel.blocks_present(), 4);
    EXPECT_TRUE(world.guest(id).alive());
  }
}

TEST(Sim32Bit, IsRefusedBlocksByItsKernelWhenLowMemoryIsOut) {
  World world{{.host = 128_GiB}};
  GuestSpec spec = narrow(DomainType::pvh, 1_GiB);
  spec.linux.kernel_free = 60_MiB;
  const DomainId id = world.add_guest(spec);
  ASSERT_TRUE(set_size(world, id, 12_GiB));  // 22 sections cost 88 MiB
  EXPECT_TRUE(logged(world.guest(id), "Cannot add additional memory (-12)"));
  EXPECT_EQ(world.populated(id), 1_GiB);
  // What the driver took for the sections that fitted is the kernel's last memory.
  EXPECT_EQ(world.guest(id).kernel().life(), LinuxGuest::Life::panicked);
}

TEST(Sim32Bit, ALackOfLowMemoryKillsAProcessThoughHighMemoryIsFree) {
  World world{{.host = 128_GiB}};
  GuestSpec spec = narrow(DomainType::pvh, 1_GiB);
  spec.linux.kernel_free = 100_MiB;
  const DomainId id = world.add_guest(spec);
  LinuxGuest& kernel = world.guest(id).kernel();
  kernel.hold(160_MiB);  // all that is high, and some of the low memory
  EXPECT_EQ(kernel.memory().oom_kills(), 0);
  ASSERT_TRUE(set_size(world, id, 9_GiB));  // 16 sections cost 64 MiB of the last 62
  EXPECT_EQ(kernel.memory().oom_kills(), 1);
  EXPECT_TRUE(world.guest(id).alive());
}

TEST(Sim32Bit, EndsWhereItsAddressesEnd) {
  World world{{.host = 256_GiB}};
  const DomainId pv = world.add_guest(narrow(DomainType::pv, 512_MiB));
  ASSERT_TRUE(set_size(world, pv, 4_GiB + 4_KiB));
  EXPECT_TRUE(logged(world.guest(pv), "outside addressable RAM"));
  EXPECT_EQ(world.allocated(pv), 512_MiB);
  ASSERT_TRUE(set_size(world, pv, 4_GiB));
  EXPECT_EQ(world.allocated(pv), 4_GiB);

  GuestSpec spec = narrow(DomainType::hvm, 60_GiB, 1_GiB);
  const DomainId hvm = world.add_guest(spec);
  ASSERT_TRUE(set_size(world, hvm, 63_GiB + 4_KiB));
  EXPECT_TRUE(logged(world.guest(hvm), "outside addressable RAM"));
  EXPECT_EQ(world.allocated(hvm), 60_GiB);
}

TEST(Sim32Bit, APvGuestsRoomToBalloonIntoIsLowMemoryUpTo896MiB) {
  World world;
  GuestSpec spec = narrow(DomainType::pv, 512_MiB);
  spec.maxmem = 2_GiB;
  const DomainId id = world.add_guest(spec);
  const GuestMemory& memory = world.guest(id).kernel().memory();
  const Kib low = memory.kernel_free();
  ASSERT_TRUE(set_size(world, id, 2_GiB));
  EXPECT_EQ(memory.kernel_free(), low + 384_MiB);
  EXPECT_EQ(memory.high_free(), 1152_MiB);
}

}  // namespace
}  // namespace memctl::host::sim
