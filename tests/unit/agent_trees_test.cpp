// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the agent reads in guests of other kinds than the usual: kernels of 32 bits with PAE, memory
// blocks of 2 GiB, the kernel parameter memmap_on_memory. The large guest's files are those of a
// real one (tests/lab/test_large_guest.py), without the lines that the agent does not read. The
// others are made by the formats of Linux (zoneinfo_show_print in mm/vmstat.c).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "agent/core/mailbox.hpp"
#include "agent/sysfs_kernel.hpp"
#include "fake_guest.hpp"
#include "guest/message.hpp"
#include "plan_fixture.hpp"

namespace memctl::agent {
namespace {

using plan::make_plan;

/// A guest of 4 GiB: 16 MiB of DMA, 880 MiB of Normal, the rest HighMem.
constexpr std::string_view zoneinfo_of_pae =
    "Node 0, zone      DMA\n"
    "  per-node stats\n"
    "      nr_slab_reclaimable 3000\n"
    "  pages free     3900\n"
    "        min      68\n"
    "        protection: (0, 840, 4040, 4040)\n"
    "      nr_free_pages 3900\n"
    "      nr_zone_inactive_file 0\n"
    "      nr_zone_active_file 0\n"
    "Node 0, zone   Normal\n"
    "  pages free     150000\n"
    "        protection: (0, 0, 25600, 25600)\n"
    "      nr_free_pages 150000\n"
    "      nr_zone_inactive_file 2000\n"
    "      nr_zone_active_file 1000\n"
    "Node 0, zone  HighMem\n"
    "  pages free     600000\n"
    "        protection: (0, 0, 0, 0)\n"
    "      nr_free_pages 600000\n"
    "      nr_zone_inactive_file 70000\n"
    "      nr_zone_active_file 30000\n"
    "Node 0, zone  Movable\n"
    "  pages free     0\n"
    "        protection: (0, 0, 0, 0)\n";

/// From a pvh guest with Linux 6.1.192, 2600 MiB of memory and a limit of 67,520 MiB.
constexpr std::string_view zoneinfo_of_large =
    "Node 0, zone      DMA\n"
    "  per-node stats\n"
    "      nr_slab_reclaimable 2229\n"
    "  pages free     2816\n"
    "        boost    0\n"
    "        min      3\n"
    "        managed  3840\n"
    "        protection: (0, 3889, 66224, 66224, 66224)\n"
    "      nr_free_pages 2816\n"
    "      nr_zone_inactive_file 0\n"
    "      nr_zone_active_file 0\n"
    "Node 0, zone    DMA32\n"
    "  pages free     287718\n"
    "        min      992\n"
    "        managed  291920\n"
    "        protection: (0, 0, 62334, 62334, 62334)\n"
    "      nr_free_pages 287718\n"
    "      nr_zone_inactive_file 0\n"
    "      nr_zone_active_file 0\n"
    "Node 0, zone   Normal\n"
    "  pages free     31855\n"
    "        min      15899\n"
    "        spanned  16252928\n"
    "        present  16252928\n"
    "        managed  46593\n"
    "        protection: (0, 0, 0, 0, 0)\n"
    "      nr_free_pages 31855\n"
    "      nr_zone_inactive_file 0\n"
    "      nr_zone_active_file 0\n"
    "Node 0, zone  Movable\n"
    "  pages free     0\n"
    "        managed  0\n"
    "        protection: (0, 0, 0, 0, 0)\n"
    "Node 0, zone   Device\n"
    "  pages free     0\n"
    "        managed  0\n"
    "        protection: (0, 0, 0, 0, 0)\n";

class AgentTrees : public testing::Test {
 protected:
  /// What dom0 gets to know, over the wire.
  GuestFacts facts() {
    SysfsKernel kernel{directory_.path().string()};
    AgentHello hello = hello_of(kernel);
    hello.protocol_min = hello.protocol_max = 1;
    AgentReport report;
    report.sequence = 1;
    std::vector<Block> blocks;
    kernel.scan(blocks);
    report.blocks_present = report.blocks_online = static_cast<std::int64_t>(blocks.size());
    kernel.figures(report);
    return {.hello = guest::decode_hello(guest::encode(hello)).value(),
            .report = guest::decode_report(guest::encode(report)).value()};
  }

  test::TemporaryDirectory directory_;
  test::FakeGuest guest_{directory_.path()};
};

TEST_F(AgentTrees, OfA32BitKernelWithPaeHaveHighMemoryApart) {
  guest_.set("sys/devices/system/memory/block_size_bytes", "20000000\n");
  guest_.set("proc/sys/kernel/osrelease", "4.12.14-686-pae\n");
  guest_.set("proc/zoneinfo", zoneinfo_of_pae);
  guest_.set("proc/meminfo", "MemTotal: 4100000 kB\nMemAvailable: 3300000 kB\n");
  const test::AsI686 machine;
  const GuestFacts guest = facts();
  EXPECT_EQ(guest.hello.machine, "i686");
  EXPECT_EQ(guest.hello.block_size, 512_MiB);
  EXPECT_TRUE(guest.hello.hotplug);
  // DMA keeps 840 of its pages from requests that Normal could meet.
  EXPECT_EQ(guest.report.kernel_zone_free, 4_KiB * (3900 - 840 + 150000));
  EXPECT_EQ(guest.report.kernel_zone_reclaimable, 4_KiB * (3000 + 2000 + 1000));
  EXPECT_EQ(guest.report.highmem_free, 4_KiB * 600000);

  plan::Input input = plan::settled_guest(DomainType::pvh);
  input.guest = guest;
  const auto plan = make_plan(input, 1_GiB);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan.value().stages[0].blocks, 2);
  EXPECT_EQ(plan.value().stages[0].memmap, 10_MiB);
}

TEST_F(AgentTrees, WithoutHighMemoryHaveNone) {
  EXPECT_EQ(facts().report.highmem_free, std::nullopt);
  // Linux names an empty zone, and no page of it.
  guest_.set("proc/zoneinfo", std::string{test::FakeGuest::zoneinfo} +
                                  "Node 0, zone  HighMem\n  pages free     0\n"
                                  "        protection: (0, 0, 0, 0)\n");
  EXPECT_EQ(facts().report.highmem_free, std::nullopt);
}

TEST_F(AgentTrees, OfALargeGuestHaveBlocksOf2GiB) {
  guest_.set("sys/devices/system/memory/block_size_bytes", "80000000\n");
  guest_.set("proc/sys/kernel/osrelease", "6.1.0-57-amd64\n");
  guest_.set("proc/zoneinfo", zoneinfo_of_large);
  guest_.set("proc/meminfo", "MemTotal:        1369412 kB\nMemAvailable:     826140 kB\n");
  for (int id = 0; id < 33; ++id) {
    guest_.add_block(id, "online\n", id == 0 ? "none\n" : id == 1 ? "DMA32\n" : "Normal\n");
  }
  const GuestFacts guest = facts();
  EXPECT_EQ(guest.hello.block_size, 2_GiB);
  EXPECT_EQ(guest.report.blocks_present, 33);
  // DMA keeps all of its pages from requests that Normal could meet, DMA32 62,334 of them.
  EXPECT_EQ(guest.report.kernel_zone_free, 4_KiB * (287718 - 62334 + 31855));

  plan::Input input = plan::settled_guest(DomainType::pvh);
  // The same guest on a host that could give it all of its memory.
  input.host.free = to_pages(256_GiB);
  input.domain.memory = {.allocated = to_pages(64_GiB), .max_pages = 64_GiB + 1_MiB};
  input.domain.target = input.domain.limit = input.domain.boot_limit = 64_GiB;
  input.domain.pool = plan::pool_for(64_GiB, 1, true);
  input.guest = guest;
  input.guest->report.balloon_inflated = Kib{};
  input.guest->report.kernel_zone_free = 50_GiB;
  const auto plan = make_plan(input, 66_GiB);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan.value().stages.at(0).blocks, 1);
  EXPECT_EQ(plan::refusal(input, 65_GiB).cause, Cause::block_size);
  EXPECT_EQ(plan::refusal(input, 65_GiB).nearest, 64_GiB);
}

/// Xen's balloon adds memory with MHP_MERGE_RESOURCE alone (reserve_additional_memory in
/// drivers/xen/balloon.c), so its page descriptors never lie in the added memory.
TEST_F(AgentTrees, AreTheSameWithMemmapOnMemory) {
  constexpr auto parameter = "sys/module/memory_hotplug/parameters/memmap_on_memory";
  const auto told = [&] {
    const GuestFacts guest = facts();
    plan::Input input = plan::settled_guest(DomainType::pvh);
    input.guest = guest;
    return std::tuple{guest::encode(guest.hello), guest::encode(guest.report),
                      make_plan(input, 4_GiB).value().stages};
  };
  const auto without = told();
  EXPECT_GT(std::get<2>(without).front().memmap, Kib{});
  for (const char* value : {"N\n", "Y\n", "force\n"}) {
    guest_.set(parameter, value);
    EXPECT_EQ(told(), without) << value;
  }
}

}  // namespace
}  // namespace memctl::agent
