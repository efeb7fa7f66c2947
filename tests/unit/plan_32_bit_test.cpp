// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Guests whose kernel has 32 bits: larger sections, low memory alone for the kernel, fewer
// addresses. And guests of large memory blocks, whose sections are smaller than their blocks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "diagnosis_fixture.hpp"
#include "plan/limits.hpp"
#include "plan/sections.hpp"
#include "plan/step.hpp"
#include "plan_fixture.hpp"

namespace memctl::plan {
namespace {

using testing::HasSubstr;

/// A settled guest of 1 GiB with 600 MiB of its low memory free, and 100 MiB of high memory.
Input guest_of_32_bits(DomainType type = DomainType::pv) {
  Input input = settled_guest(type);
  input.host.free = to_pages(256_GiB);
  input.domain.memory = {.allocated = to_pages(1_GiB), .max_pages = 1025_MiB};
  input.domain.target = input.domain.limit = input.domain.boot_limit = 1_GiB;
  if (type != DomainType::pv) input.domain.pool = pool_for(1_GiB, 1, true);
  AgentHello& hello = input.guest->hello;
  hello.kernel_release = "4.12.14-686-pae";
  hello.machine = "i686";
  hello.block_size = 512_MiB;
  input.guest->report = {.blocks_present = 2,
                         .blocks_online = 2,
                         .mem_total = 950_MiB,
                         .mem_available = 700_MiB,
                         .kernel_zone_free = 600_MiB,
                         .highmem_free = 100_MiB};
  return input;
}

TEST(Sections, AreOfTheGuestsKernel) {
  Input input = guest_of_32_bits();
  for (const char* machine : {"i386", "i486", "i586", "i686"}) {
    input.guest->hello.machine = machine;
    EXPECT_TRUE(has_32_bits(input.guest)) << machine;
    EXPECT_EQ(section_of(input), 512_MiB) << machine;
    EXPECT_FALSE(has_large_blocks(input)) << machine;
  }
  input.guest->hello.block_size = Kib{};  // a kernel without memory hotplug
  EXPECT_EQ(section_of(input), 512_MiB);

  // An agent of 32 bits in a kernel of 64 bits names the kernel's machine.
  input.guest->hello.machine = "x86_64";
  for (const Kib block : {128_MiB, 512_MiB, 2_GiB}) {
    input.guest->hello.block_size = block;
    EXPECT_EQ(section_of(input), 128_MiB);
    EXPECT_EQ(block_of(input), block);
    EXPECT_EQ(has_large_blocks(input), block > 128_MiB);
  }
  input.guest.reset();
  EXPECT_EQ(section_of(input), 128_MiB);
}

TEST(Sections, AreDescribedInMemoryOfTheKernels) {
  EXPECT_EQ(memmap_of(guest_of_32_bits(DomainType::pvh), 3), 15_MiB);
  EXPECT_EQ(memmap_of(guest_of_32_bits(DomainType::pv), 3), 16_MiB + 512_KiB);
  EXPECT_EQ(memmap_of(settled_guest(DomainType::pvh), 3), 6_MiB);
  EXPECT_EQ(memmap_of(settled_guest(DomainType::pv), 3), 8_MiB - 128_KiB);
}

TEST(PlanOf32Bits, AGrowthTakesWholeSectionsAndPaysThemFromLowMemory) {
  for (const DomainType type : {DomainType::pv, DomainType::pvh, DomainType::hvm}) {
    const auto plan = make_plan(guest_of_32_bits(type), 3_GiB + 100_MiB);
    ASSERT_TRUE(plan) << plan.error().message;
    ASSERT_EQ(plan.value().stages.size(), 1U);
    const Stage& stage = plan.value().stages[0];
    EXPECT_EQ(stage.blocks, 5);
    EXPECT_EQ(stage.memmap, type == DomainType::pv ? 27_MiB + 512_KiB : 25_MiB);
    EXPECT_EQ(plan.value().range.step, kib_per_page);
  }
}

TEST(PlanOf32Bits, AddedMemoryNeverServesTheKernel) {
  const Input input = guest_of_32_bits(DomainType::pvh);
  const Room room = room_of(input.guest);
  const Stage stage{.size = 2_GiB, .blocks = 2, .memmap = 10_MiB, .host_memory = 1_GiB};
  const Room after = room_after(input, room, stage);
  EXPECT_EQ(after.kernel_zone, *room.kernel_zone - 10_MiB);
  EXPECT_EQ(after.high, 100_MiB + 1_GiB);
  // A kernel of 64 bits can use it.
  Input wide = input;
  wide.guest->hello.machine = "x86_64";
  EXPECT_EQ(room_after(wide, room, stage).kernel_zone, *room.kernel_zone - 10_MiB + 1_GiB);
}

TEST(PlanOf32Bits, AGrowthEndsWhereLowMemoryIsOut) {
  Input input = guest_of_32_bits(DomainType::pvh);
  input.guest->report.kernel_zone_free = 60_MiB;
  const Error error = refusal(input, 32_GiB);
  EXPECT_EQ(error.cause, Cause::guest_memmap) << error.message;
  ASSERT_TRUE(error.range);
  const Kib largest = error.range->largest.size;
  EXPECT_GT(largest, 2_GiB);
  EXPECT_LT(largest, 8_GiB);
  EXPECT_EQ(round_down(largest, 512_MiB), largest) << to_string(largest);
  const Plan plan = make_plan(input, largest).value();
  Kib memmap;
  for (const Stage& stage : plan.stages) memmap += stage.memmap;
  EXPECT_LT(memmap, 60_MiB);
  // Of 64 bits, the added memory pays for the rest.
  input.guest->hello.machine = "x86_64";
  input.guest->hello.block_size = 128_MiB;
  EXPECT_TRUE(make_plan(input, 32_GiB));
}

/// A section of 64 bits brings more than it costs. One of 32 bits costs the kernel, and brings it
/// nothing.
TEST(PlanOf32Bits, TheLastLowMemoryIsNotSpentOnASection) {
  Input input = guest_of_32_bits(DomainType::pvh);
  const Kib reserve = 8_MiB;  // of the kernel, for this MemTotal
  input.guest->report.kernel_zone_free = reserve + 12_MiB;
  EXPECT_EQ(refusal(input, 1_GiB + 4_KiB).cause, Cause::guest_memmap);
  input.guest->hello.machine = "x86_64";
  input.guest->hello.block_size = 128_MiB;
  EXPECT_TRUE(make_plan(input, 1_GiB + 4_KiB));
}

TEST(PlanOf32Bits, HighMemoryCanBeGivenBack) {
  Input input = guest_of_32_bits(DomainType::pvh);
  input.domain.memory = {.allocated = to_pages(4_GiB), .max_pages = 4097_MiB};
  input.domain.target = input.domain.limit = 4_GiB;
  input.domain.pool = pool_for(4_GiB, 1, true);
  AgentReport& report = input.guest->report;
  report.mem_total = 4000_MiB;
  report.kernel_zone_free = 500_MiB;
  report.highmem_free = 3_GiB;
  const Kib floor = *shrink_floor(input, room_of(input.guest), 4_GiB);
  // A 32nd of MemTotal and the kernel's reserve stay.
  EXPECT_GT(floor, 4_GiB - 3_GiB - 500_MiB + 125_MiB);
  EXPECT_LT(floor, 4_GiB - 3_GiB - 500_MiB + 135_MiB);
  EXPECT_TRUE(make_plan(input, 1_GiB));
  // Low memory is short: as much high memory stays.
  report.kernel_zone_free = 10_MiB;
  EXPECT_EQ(*shrink_floor(input, room_of(input.guest), 4_GiB), floor + 490_MiB);
  // An older agent tells no high memory: it may be in use.
  report.kernel_zone_free = 500_MiB;
  report.highmem_free.reset();
  EXPECT_EQ(*shrink_floor(input, room_of(input.guest), 4_GiB), floor + 3_GiB);
  // A kernel of 64 bits has none, whatever its agent claims.
  report.highmem_free = 3_GiB;
  input.guest->hello.machine = "x86_64";
  EXPECT_EQ(*shrink_floor(input, room_of(input.guest), 4_GiB), floor + 3_GiB);
}

TEST(PlanOf32Bits, APvGuestHasAddressesUpTo4GiB) {
  const Input input = guest_of_32_bits(DomainType::pv);
  const Error error = refusal(input, 5_GiB);
  EXPECT_EQ(error.cause, Cause::address_limit);
  EXPECT_EQ(error.message,
            "web1: 5120 MiB is too large; the largest size possible now is 4096 MiB: the 32-bit "
            "kernel of a pv guest adds memory up to 4096 MiB only, in whole sections of 512 MiB");
  EXPECT_EQ(error.range->largest.size, 4_GiB);
  EXPECT_EQ(error.range->largest.cause, Cause::address_limit);
  EXPECT_TRUE(make_plan(input, 4_GiB));

  // Memory is added from the next whole section on.
  Input odd = input;
  odd.domain.memory.allocated = to_pages(700_MiB);
  odd.domain.target = odd.domain.limit = odd.domain.boot_limit = 700_MiB;
  EXPECT_EQ(refusal(odd, 4_GiB).nearest, 3772_MiB);
  Input wide = odd;
  wide.guest->hello.machine = "x86_64";
  wide.guest->hello.block_size = 128_MiB;
  EXPECT_TRUE(make_plan(wide, 64_GiB));
}

TEST(PlanOf32Bits, WhatHasAddressesAlreadyIsGrantedAboveTheLimit) {
  Input input = guest_of_32_bits(DomainType::pv);  // it was booted with 6 GiB and gave 5 back
  input.guest->report.blocks_present = 12;
  input.guest->report.balloon_inflated = 5_GiB;
  EXPECT_TRUE(make_plan(input, 6_GiB));
  EXPECT_EQ(refusal(input, 6_GiB + 4_KiB).cause, Cause::address_limit);
}

TEST(PlanOf32Bits, APvhOrHvmGuestHasThoseOfPae) {
  for (const DomainType type : {DomainType::pvh, DomainType::hvm}) {
    Input input = guest_of_32_bits(type);
    input.guest->report.kernel_zone_free = 4_GiB;  // no kernel has so much: not to be the limit
    const Error error = refusal(input, 64_GiB);
    EXPECT_EQ(error.cause, Cause::address_limit) << error.message;
    EXPECT_EQ(error.range->largest.size, 63_GiB);
    EXPECT_THAT(error.message, HasSubstr("a 32-bit kernel can address 65536 MiB"));
  }
}

TEST(Addresses, OfA64BitPvGuestEndAt512GiB) {
  Input input = settled_guest(DomainType::pv);
  input.host.free = to_pages(1_TiB);
  input.guest->report.kernel_zone_free = 1_GiB;
  // 160 MiB fill a section and a part of one, which no added memory can fill.
  EXPECT_EQ(refusal(input, 512_GiB).nearest, 512_GiB - 96_MiB);
}

TEST(PlanOf32Bits, KernelsThatTakeHighMemoryForLowAreNotGrown) {
  for (const char* release : {"4.13.0", "4.19.0-686-pae", "5.4.0", "5.8.18", "unheard-of"}) {
    Input input = guest_of_32_bits(DomainType::pvh);
    input.guest->hello.kernel_release = release;
    const Error error = refusal(input, 2_GiB);
    EXPECT_EQ(error.cause, Cause::guest_kernel_fault) << release;
    EXPECT_THAT(error.message, HasSubstr("has 32 bits, takes added memory for low memory"));
    EXPECT_THAT(error.hint, HasSubstr("64-bit kernel"));
    EXPECT_EQ(error.range->largest.size, 1_GiB);
    // What it gave back has its place already.
    EXPECT_TRUE(make_plan(input, 900_MiB));
    input.guest->report.balloon_inflated = 300_MiB;
    EXPECT_TRUE(make_plan(input, 1_GiB + 300_MiB));
    input.guest->hello.machine = "x86_64";
    input.guest->hello.block_size = 128_MiB;
    EXPECT_TRUE(make_plan(input, 2_GiB)) << release;
  }
  EXPECT_TRUE(make_plan(guest_of_32_bits(DomainType::pvh), 2_GiB));
}

TEST(PlanOf32Bits, NoMovableMemoryIsAdded) {
  Input input = guest_of_32_bits(DomainType::pvh);
  input.terms.online = OnlineZone::movable;
  input.terms.force_movable = true;
  const Error error = refusal(input, 2_GiB);
  EXPECT_EQ(error.cause, Cause::guest_kernel_fault);
  EXPECT_THAT(error.message, HasSubstr("movable"));
}

TEST(DoctorOf32Bits, TellsOfTheKernelAndOfWhatTheAgentSets) {
  const auto on = [](Check check, const char* release, const auto& change) {
    return on_guest(check, [&](auto& hello, auto& report) {
      hello.machine = "i686";
      hello.kernel_release = release;
      hello.block_size = 512_MiB;
      change(hello, report);
    });
  };
  const auto nothing = [](auto&, auto&) {};
  expect(on(Check::kernel, "5.4.0-pae", nothing), Severity::bad, "takes added memory for low",
         "64-bit kernel");
  expect(on(Check::kernel, "4.12.14", nothing), Severity::note, "movable", "64-bit kernel");
  expect(on(Check::hotplug, "4.12.14", nothing), Severity::good, "in blocks of 512 MiB", "");
  const auto policy = [&](const char* word) {
    return on(Check::online_policy, "4.12.14",
              [&](auto& hello, auto&) { hello.online_policy = word; });
  };
  EXPECT_EQ(policy("online").severity, Severity::good);
  expect(policy("online_kernel"), Severity::note, "online_kernel", "- - - - online'");
  const auto rule = [&](RuleAction action) {
    return on(Check::udev_rule, "4.12.14", [&](auto& hello, auto&) {
      hello.udev_rule = "/etc/udev/rules.d/x.rules";
      hello.udev_rule_action = action;
    });
  };
  EXPECT_EQ(rule(RuleAction::online).severity, Severity::good);
  expect(rule(RuleAction::online_kernel), Severity::bad, "high memory", "ATTR{state}=\"online\"");
}

/// 64 GiB, in blocks of 2 GiB, with an empty balloon.
Input large_guest() {
  Input input = settled_guest();
  input.host.free = to_pages(1_TiB);
  input.domain.memory = {.allocated = to_pages(64_GiB), .max_pages = 64_GiB + 1_MiB};
  input.domain.target = input.domain.limit = input.domain.boot_limit = 64_GiB;
  input.domain.pool = pool_for(64_GiB, 1, true);
  input.guest->hello.block_size = 2_GiB;
  input.guest->report = {.blocks_present = 32,
                         .blocks_online = 32,
                         .mem_total = 62_GiB,
                         .mem_available = 60_GiB,
                         .kernel_zone_free = 58_GiB,
                         .balloon_inflated = Kib{}};
  return input;
}

TEST(LargeBlocks, AStageCountsBlocksAndPaysForSections) {
  const Plan plan = make_plan(large_guest(), 80_GiB).value();
  ASSERT_EQ(plan.stages.size(), 1U);
  EXPECT_EQ(plan.stages[0].blocks, 8);
  EXPECT_EQ(plan.stages[0].memmap, 256_MiB);
  EXPECT_EQ(plan.range.step, 2_GiB);
  EXPECT_EQ(plan.range.step_from, 64_GiB);
}

TEST(LargeBlocks, BelowWhatIsDescribedEveryPageIsASize) {
  Input input = large_guest();
  input.domain.memory.allocated = to_pages(60_GiB);
  input.domain.target = 60_GiB;
  input.guest->report.balloon_inflated = 4_GiB;
  for (const Kib size : {60_GiB + 4_KiB, 61_GiB, 64_GiB - 4_KiB, 64_GiB, 59_GiB - 4_KiB}) {
    const auto plan = make_plan(input, size);
    ASSERT_TRUE(plan) << plan.error().message;
    EXPECT_EQ(plan.value().stages[0].blocks, 0);
    EXPECT_EQ(plan.value().range.step_from, 64_GiB);
  }
  const Error error = refusal(input, 65_GiB);
  EXPECT_EQ(error.cause, Cause::block_size);
  EXPECT_THAT(error.message, HasSubstr("next are 65536 MiB and 67584 MiB"));
}

/// The driver's first request must be whole blocks, too.
TEST(LargeBlocks, ASectionLessIsNotTheSameGrowth) {
  const Input input = large_guest();
  const Room room = room_of(input.guest);
  const Kib size = 66_GiB - 128_MiB + 4_KiB;
  ASSERT_TRUE(make_plan(input, size));
  EXPECT_EQ(blocks_for(input, room, 64_GiB, size), blocks_for(input, room, 64_GiB, size - 4_KiB));
  EXPECT_NE(sections_for(input, room, 64_GiB, size),
            sections_for(input, room, 64_GiB, size - 4_KiB));
  EXPECT_EQ(sections_for(input, room, 64_GiB, 66_GiB), 16);
}

}  // namespace
}  // namespace memctl::plan
