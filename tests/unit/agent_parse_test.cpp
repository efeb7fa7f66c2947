// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/core/parse.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <thread>

#include "agent/record_file.hpp"
#include "agent/sysfs_kernel.hpp"
#include "fake_guest.hpp"
#include "support/read_lines.hpp"

namespace memctl::agent {
namespace {

using test::read_lines;

TEST(AgentParse, numbers_are_whole_or_nothing) {
  EXPECT_EQ(parse_number(" 163840\n"), 163840u);
  EXPECT_EQ(parse_number("8000000\n", 16), 0x8000000u);
  for (const std::string_view text : {"", " ", "-1", "1x", "0x10", "99999999999999999999"}) {
    EXPECT_FALSE(parse_number(text)) << text;
  }
}

TEST(AgentParse, block_names_are_memory_and_a_number) {
  EXPECT_EQ(parse_block_name("memory0"), 0u);
  EXPECT_EQ(parse_block_name("memory4095"), 4095u);
  for (const std::string_view name :
       {"memory", "memory_x", "memory1a", "memory-1", "memory 1", "power", "memory4294967296"}) {
    EXPECT_FALSE(parse_block_name(name)) << name;
  }
}

TEST(AgentParse, meminfo_gives_total_and_available) {
  const auto meminfo =
      read_lines<MeminfoReader>("MemTotal:  129124 kB\nMemFree: 1 kB\nMemAvailable:  80012 kB\n");
  EXPECT_EQ(meminfo.total, Kib{129124});
  EXPECT_EQ(meminfo.available, Kib{80012});
}

TEST(AgentParse, zoneinfo_counts_kernel_zones_alone_and_the_nodes_slab) {
  const auto zoneinfo = read_lines<ZoneinfoReader>(test::FakeGuest::zoneinfo);
  EXPECT_EQ(zoneinfo.free(4_KiB), 4_KiB * (20000 - 93)) << "DMA withholds all that it has";
  EXPECT_EQ(zoneinfo.reclaimable(4_KiB), 4_KiB * (1000 + 10 + 20 + 300 + 400));
}

TEST(AgentParse, zoneinfo_of_a_32_bit_kernel_counts_low_memory_alone) {
  // As in Linux 5.10 for i386: no DMA32, and memory that the kernel cannot use for itself.
  const auto zoneinfo = read_lines<ZoneinfoReader>(
      "Node 0, zone      DMA\n"
      "  per-node stats\n"
      "      nr_slab_reclaimable 1000\n"
      "  pages free     3000\n"
      "        protection: (0, 804, 2004, 2004)\n"
      "      nr_free_pages 3000\n"
      "Node 0, zone   Normal\n"
      "        protection: (0, 0, 9600, 9600)\n"
      "      nr_free_pages 50000\n"
      "      nr_zone_inactive_file 300\n"
      "      nr_zone_active_file 400\n"
      "Node 0, zone  HighMem\n"
      "        protection: (0, 0, 0, 0)\n"
      "      nr_free_pages 200000\n"
      "      nr_zone_inactive_file 7000\n"
      "      nr_zone_active_file 8000\n"
      "Node 0, zone  Movable\n"
      "        protection: (0, 0, 0, 0)\n");
  EXPECT_EQ(zoneinfo.free(4_KiB), 4_KiB * (3000 - 804 + 50000));
  EXPECT_EQ(zoneinfo.reclaimable(4_KiB), 4_KiB * (1000 + 300 + 400));
}

TEST(AgentParse, pressure_gives_the_ten_second_averages) {
  const auto pressure = read_lines<PressureReader>(
      "some avg10=1.25 avg60=0.50 avg300=0.00 total=1\nfull avg10=0.00 avg60=0 avg300=0 total=1\n");
  EXPECT_EQ(pressure.some_avg10, 1.25);
  EXPECT_EQ(pressure.full_avg10, 0.0);
  const auto odd = read_lines<PressureReader>("some avg10=nan\nfull avg10=1e9\nfull\n\n");
  EXPECT_FALSE(odd.some_avg10);
  EXPECT_FALSE(odd.full_avg10);
  for (const char* text : {"100.01", "101.00", "1.5", "1.250", "1", ".25", "1.", "-1.00", "1.2a"}) {
    const auto read = read_lines<PressureReader>("some avg10=" + std::string{text} + " avg60=0\n");
    EXPECT_FALSE(read.some_avg10) << text;
  }
}

TEST(AgentParse, uevents_of_memory_are_told_from_others) {
  EXPECT_TRUE(is_memory_uevent({"add@/devices/system/memory/memory32\0ACTION=add\0", 46}));
  EXPECT_FALSE(is_memory_uevent({"add@/devices/x\0DEVPATH=@/devices/system/memory/\0", 48}));
  EXPECT_FALSE(is_memory_uevent(""));
}

TEST(AgentParse, releases_are_compared_by_number) {
  for (const char* newer : {"4.4", "4.4.0-1", "4.10.1", "5.0-rc1", "10.1"}) {
    EXPECT_TRUE(is_at_least(newer, 4, 4)) << newer;
  }
  for (const char* other : {"4.3.9", "3.16", "4", "4.", ".4", "", "next-4.4", "4.x", "-5.1"}) {
    EXPECT_FALSE(is_at_least(other, 4, 4)) << other;
  }
}

TEST(AgentParse, readers_survive_random_text) {
  std::mt19937 random{4711};
  const std::string_view words[] = {"Node",          "0,",       "zone",   "DMA",    "MemTotal:",
                                    "nr_free_pages", "some",     "full",   "avg10=", "-1",
                                    "1e400",         "\xff\x01", "memory", " ",      "99999999999"};
  for (int i = 0; i < 20000; ++i) {
    std::string line;
    for (auto n = random() % 6; n > 0; --n) (line += words[random() % std::size(words)]) += ' ';
    read_lines<MeminfoReader>(line);
    read_lines<PressureReader>(line);
    EXPECT_GE(read_lines<ZoneinfoReader>(line).free(4_KiB), 0_KiB);
    EXPECT_FALSE(parse_record(line));
  }
}

class AgentKernel : public testing::Test {
 protected:
  test::TemporaryDirectory directory_;
  test::FakeGuest guest_{directory_.path()};
  SysfsKernel kernel_{directory_.path().string()};
};

TEST_F(AgentKernel, reads_the_signature_that_some_distributions_keep) {
  EXPECT_FALSE(kernel_.facts().build.empty()) << "what uname says";
  guest_.set("proc/version_signature", "Ubuntu 5.15.0-91.101-generic 5.15.131\n");
  EXPECT_EQ(kernel_.facts().build, "Ubuntu 5.15.0-91.101-generic 5.15.131");
}

TEST_F(AgentKernel, tells_whether_memory_can_be_added_and_why_not) {
  EXPECT_TRUE(kernel_.facts().hotplug);
  EXPECT_EQ(kernel_.facts().block_size, 128_MiB);
  guest_.remove("sys/devices/system/memory/auto_online_blocks");
  EXPECT_EQ(kernel_.facts().no_hotplug_reason, "the kernel has no auto_online_blocks");
  guest_.remove("sys/devices/system/memory");
  EXPECT_EQ(kernel_.facts().no_hotplug_reason, "the kernel was built without memory hotplug");
  EXPECT_EQ(kernel_.facts().block_size, 0_KiB);
  guest_.remove("sys/devices/system/xen_memory");
  EXPECT_EQ(kernel_.facts().no_hotplug_reason, "the kernel has no Xen balloon driver");
  EXPECT_FALSE(kernel_.facts().hotplug);
}

TEST_F(AgentKernel, without_xens_own_option_it_can_add_no_memory_although_it_has_hotplug) {
  guest_.remove("proc/sys/xen");
  guest_.set("proc/sys/kernel/osrelease", "5.6.13-100.fc30.x86_64\n");
  EXPECT_FALSE(kernel_.facts().hotplug);
  EXPECT_EQ(kernel_.facts().no_hotplug_reason,
            "the kernel was built without CONFIG_XEN_BALLOON_MEMORY_HOTPLUG");
  EXPECT_EQ(kernel_.facts().block_size, 128_MiB);
}

TEST_F(AgentKernel, a_kernel_that_cannot_tell_xens_option_is_taken_to_have_it) {
  guest_.remove("proc/sys/xen");
  for (const char* older : {"4.3.0\n", "3.16.0-4-amd64\n", "no release\n"}) {
    guest_.set("proc/sys/kernel/osrelease", older);
    EXPECT_TRUE(kernel_.facts().hotplug) << older;
  }
  guest_.remove("proc/sys");  // a kernel without sysctl
  EXPECT_TRUE(kernel_.facts().hotplug);
}

TEST_F(AgentKernel, scans_blocks_by_number_with_their_state_and_zone) {
  guest_.add_block(32, "online\n", "Movable\n");
  guest_.add_block(10, "offline\n", "Normal Movable\n");
  guest_.add_block(9, "going-offline\n", "none\n");
  std::vector<Block> blocks;
  kernel_.scan(blocks);
  EXPECT_EQ(blocks, (std::vector<Block>{{0, true, false},
                                        {1, true, false},
                                        {9, false, false},
                                        {10, false, false},
                                        {32, true, true}}));
}

TEST_F(AgentKernel, reads_figures_and_leaves_unknown_what_is_missing) {
  AgentReport report;
  kernel_.figures(report);
  EXPECT_EQ(report.mem_total, Kib{129124});
  EXPECT_EQ(report.kernel_zone_free, 4_KiB * 19907);
  EXPECT_EQ(report.pressure_some_avg10, 1.25);
  guest_.remove("proc/pressure");
  kernel_.figures(report);
  EXPECT_FALSE(report.pressure_some_avg10);
  guest_.remove("sys/devices/system/xen_memory");
  EXPECT_EQ(kernel_.balloon(), BalloonFigures{});
}

TEST_F(AgentKernel, takes_mem_total_and_the_balloons_size_from_one_moment) {
  const std::filesystem::path meminfo = directory_.path() / "proc/meminfo";
  guest_.set_balloon(300000, 900000);
  std::filesystem::remove(meminfo);
  ASSERT_EQ(::mkfifo(meminfo.c_str(), 0600), 0);
  std::thread kernel{[&] {
    std::ofstream pipe{meminfo};  // once the agent has opened it, and so has the balloon's size
    guest_.set_balloon(300000, 800000);
    std::filesystem::remove(meminfo);
    guest_.set("proc/meminfo", "MemTotal: 780000 kB\n");
    pipe << "MemTotal: 870000 kB\n";
  }};
  AgentReport report;
  kernel_.figures(report);
  kernel.join();
  EXPECT_EQ(report.mem_total, Kib{780000});
  EXPECT_EQ(report.balloon_current, Kib{800000});
}

TEST(AgentRecord, is_read_back) {
  const Record record{.last_operation = 9,
                      .last_sequence = 13,
                      .active = true,
                      .operation = 0xffff'ffff'ffff'ffff,
                      .sequence = 12,
                      .zone = OnlineZone::movable,
                      .earlier = OnlinePolicy::offline,
                      .lease_end = Time{123456},
                      .baseline = {0, 1, 2, 7, 32, 33}};
  EXPECT_EQ(parse_record(to_text(record)), record);
  EXPECT_NE(to_text(record).find("baseline 0-2,7,32-33\n"), std::string::npos);
  EXPECT_EQ(parse_record(to_text(Record{})), Record{});
}

TEST(AgentRecord, a_torn_one_is_nothing) {
  const auto text = to_text(Record{.active = true, .baseline = {0, 1, 5}});
  for (std::size_t length = 0; length < text.size(); ++length) {
    EXPECT_FALSE(parse_record(text.substr(0, length))) << length;
  }
}

TEST(AgentRecord, too_many_ranges_are_given_up_and_the_rest_is_kept) {
  Record record{.active = true, .operation = 3};
  for (std::uint32_t id = 0; id < 4000; id += 2) record.baseline.push_back(id);
  const auto read = parse_record(to_text(record));
  ASSERT_TRUE(read);
  EXPECT_FALSE(read->baseline_known);
  EXPECT_EQ(read->operation, 3u);
}

TEST(AgentRecord, the_file_is_overwritten_whole) {
  const test::TemporaryDirectory directory;
  RecordFile file{directory.path().string()};
  EXPECT_FALSE(file.load());
  EXPECT_EQ(file.save({.active = true, .baseline = {1, 5, 9, 13}}), 0);
  EXPECT_EQ(file.save({.operation = 1}), 0);
  EXPECT_EQ(file.load(), Record{.operation = 1});
}

TEST(AgentRecord, its_directory_is_made_if_possible) {
  const test::TemporaryDirectory directory;
  EXPECT_EQ(RecordFile{(directory.path() / "run").string()}.save({}), 0);
  EXPECT_NE(RecordFile{"/proc/nonexistent"}.save({}), 0);
}

}  // namespace
}  // namespace memctl::agent
