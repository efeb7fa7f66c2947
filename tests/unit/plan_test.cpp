// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plan/plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "plan/limits.hpp"
#include "plan/pool.hpp"
#include "plan/step.hpp"
#include "plan_fixture.hpp"

namespace memctl::plan {
namespace {

TEST(PagingPool, IsWhatLibxlGives) {
  // Measured on Xen 4.17: 1664 KiB for a pvh guest of 160 MiB with one vcpu.
  EXPECT_EQ(pool_for(160_MiB, 1, true), 1664_KiB);
  EXPECT_EQ(pool_for(3584_MiB, 1, true), 15360_KiB);
  EXPECT_EQ(pool_for(160_MiB, 2, false), 4_KiB * (512 + 320));
  EXPECT_EQ(pool_for(160_MiB + 1_KiB, 1, true), 1668_KiB);
}

TEST(MakePlan, GrowsPastTheBootLimitAndRaisesThePoolFirst) {
  const Plan plan = make_plan(settled_guest(), 1_GiB).value();
  EXPECT_EQ(plan.from, 160_MiB);
  EXPECT_EQ(plan.to, 1_GiB);
  EXPECT_EQ(plan.limit, 1_GiB);
  EXPECT_EQ(plan.earlier_limit, 160_MiB);
  EXPECT_EQ(plan.pool, pool_for(1_GiB, 1, true));
  ASSERT_EQ(plan.stages.size(), 1U);
  EXPECT_EQ(plan.stages[0].size, 1_GiB);
  EXPECT_EQ(plan.stages[0].host_memory, 864_MiB);
  EXPECT_EQ(plan.stages[0].blocks, 7);
}

TEST(MakePlan, APvGuestHasNoPool) {
  const Plan plan = make_plan(settled_guest(DomainType::pv), 1_GiB).value();
  EXPECT_EQ(plan.pool, std::nullopt);
  EXPECT_EQ(plan.pool_growth, Kib{});
}

TEST(MakePlan, OneMebibyteMoreIsOneMebibyteMore) {
  const Plan plan = make_plan(settled_guest(), SizeRequest::relative(1_MiB)).value();
  EXPECT_EQ(plan.to, 161_MiB);
  ASSERT_EQ(plan.stages.size(), 1U);
  EXPECT_EQ(plan.stages[0].host_memory, 1_MiB);
  EXPECT_EQ(plan.stages[0].memmap, 2_MiB);
}

TEST(MakePlan, TheSameSizeNeedsNoStage) {
  EXPECT_TRUE(make_plan(settled_guest(), 160_MiB).value().stages.empty());
}

TEST(MakePlan, APoolThatIsTooSmallIsRaisedWhateverTheSizeIfTheHostHasTheMemory) {
  Input input = settled_guest();
  input.domain.pool = 1_MiB;
  EXPECT_EQ(make_plan(input, 160_MiB).value().pool_growth, 640_KiB);

  input.host.free = to_pages(input.terms.host_reserve + 640_KiB);
  EXPECT_TRUE(make_plan(input, 160_MiB));
  input.host.free -= Pages{1};
  EXPECT_EQ(refusal(input, 160_MiB).cause, Cause::host_memory);
  EXPECT_TRUE(make_plan(input, SizeRequest::relative(-8_MiB))) << "what it gives back pays for it";
}

TEST(MakePlan, WithoutAFigureForThePoolNoSizeIsGranted) {
  Input input = settled_guest();
  input.domain.pool.reset();
  for (const Kib size : {152_MiB, 160_MiB, 1_GiB}) {
    EXPECT_EQ(refusal(input, size).cause, Cause::paging_pool) << size.count();
  }
}

TEST(MakePlan, AHostBelowItsReserveMayHaveMemoryBack) {
  Input input = settled_guest();
  input.host.free = to_pages(input.terms.host_reserve) - Pages{256};
  EXPECT_TRUE(make_plan(input, SizeRequest::relative(-4_KiB)));
  EXPECT_TRUE(make_plan(input, 160_MiB));
  EXPECT_EQ(refusal(input, 161_MiB).cause, Cause::host_memory);
}

TEST(MakePlan, AGuestThatIsNearlyOutOfMemoryGrowsOneBlockFirstAndThenFaster) {
  Input input = settled_guest(DomainType::pv);
  input.guest->report.kernel_zone_free = 9_MiB;  // 5 MiB, and 4 that the agent lends
  const Plan plan = make_plan(input, 1_GiB).value();
  ASSERT_EQ(plan.stages.size(), 2U);
  EXPECT_EQ(plan.stages[0].size, 288_MiB);
  EXPECT_EQ(plan.stages[1].size, 1_GiB);
}

TEST(MakePlan, NoStageDescribesMoreMemoryThanTheGuestHasRoomFor) {
  for (const Kib free : {9_MiB, 10_MiB, 12_MiB, 40_MiB, 300_MiB}) {
    for (const DomainType type : {DomainType::pv, DomainType::pvh}) {
      Input input = settled_guest(type);
      input.host.free = to_pages(600_GiB);
      input.guest->report.kernel_zone_free = free;
      const Plan plan = make_plan(input, 500_GiB).value();
      Kib room = free;
      for (const Stage& stage : plan.stages) {
        EXPECT_LT(stage.memmap, room) << "at " << to_string(stage.size);
        room += stage.host_memory - stage.memmap;
      }
      EXPECT_EQ(plan.stages.back().size, 500_GiB);
      EXPECT_LE(plan.stages.size(), 4U);
    }
  }
}

TEST(MakePlan, AGuestThatAsksForMoreThanItGotIsGrownFromWhatItHas) {
  Input input = settled_guest();
  input.domain.target = 1_GiB;  // a mem-set that stalled
  input.domain.limit = 1_GiB;
  const Plan plan = make_plan(input, 1_GiB).value();
  ASSERT_EQ(plan.stages.size(), 1U);
  EXPECT_EQ(plan.stages[0].host_memory, 864_MiB);
}

TEST(MakePlan, VideoMemoryCountsAsXlCountsIt) {
  Input input = settled_guest(DomainType::hvm);
  input.domain.video_ram = 16_MiB;
  input.domain.target = 144_MiB;
  const Plan plan = make_plan(input, SizeRequest::relative(128_MiB)).value();
  EXPECT_EQ(plan.from, 160_MiB);
  EXPECT_EQ(plan.to, 288_MiB);
}

TEST(MakePlan, MoreThanTheHostHasIsRefusedWithTheLargestSizeThatWorks) {
  Input input = settled_guest();
  input.host.free = to_pages(1_GiB);
  const Error error = refusal(input, 4_GiB);
  EXPECT_EQ(error.cause, Cause::host_memory);
  ASSERT_TRUE(error.range);
  const Kib largest = error.range->largest.size;
  EXPECT_EQ(error.nearest, largest);
  EXPECT_EQ(error.message,
            "web1: 4096 MiB would take 3953 MiB of the host (16 MiB of it for the paging pool); it "
            "can give 960 MiB");
  EXPECT_TRUE(make_plan(input, largest));
  EXPECT_EQ(refusal(input, largest + 4_KiB).cause, Cause::host_memory);
  // 160 MiB and the free 1024, less the reserve of 64, 1 MiB of slack and the pool's growth.
  EXPECT_GT(largest, 1114_MiB);
  EXPECT_LT(largest, 1119_MiB);
}

TEST(MakePlan, WhatOthersHaveClaimedIsNotFree) {
  Input input = settled_guest();
  input.host.claimed = to_pages(7_GiB + 512_MiB);
  EXPECT_EQ(refusal(input, 1_GiB).cause, Cause::host_memory);
}

TEST(MakePlan, LargeBlocksAreAddedWhole) {
  Input input = settled_guest();
  input.guest->hello.block_size = 2_GiB;
  input.guest->report.kernel_zone_free = 1_GiB;
  const Error error = refusal(input, 1_GiB);
  EXPECT_EQ(error.cause, Cause::block_size);
  EXPECT_EQ(error.message,
            "web1: 1024 MiB is not possible: its memory comes in blocks of 2048 MiB; next are 160 "
            "MiB and 2208 MiB");
  EXPECT_EQ(error.nearest, 160_MiB);
  EXPECT_EQ(error.range->step, 2_GiB);
  EXPECT_EQ(error.range->step_from, 160_MiB);
  const Plan plan = make_plan(input, 4_GiB + 160_MiB).value();
  EXPECT_EQ(plan.stages.back().size, 4_GiB + 160_MiB);
  for (const Stage& stage : plan.stages)
    EXPECT_EQ((stage.size - 160_MiB) / 2_GiB * 2_GiB, stage.size - 160_MiB);
}

TEST(MakePlan, WhatTheBalloonHoldsIsGrownIntoWithoutANewBlock) {
  Input input = settled_guest();
  input.guest->report.kernel_zone_free = 3_MiB;  // no room to describe a block
  EXPECT_EQ(refusal(input, 512_MiB).cause, Cause::guest_memmap);
  input.guest->report.balloon_inflated = 400_MiB;
  const Plan plan = make_plan(input, 512_MiB).value();
  ASSERT_EQ(plan.stages.size(), 1U);
  EXPECT_EQ(plan.stages[0].blocks, 0);
  EXPECT_EQ(plan.stages[0].memmap, Kib{});

  // The memory of the first stage pays for describing more blocks.
  const Plan further = make_plan(input, 2_GiB).value();
  EXPECT_EQ(further.stages[0].size, 560_MiB);
  EXPECT_EQ(further.stages.back().size, 2_GiB);
}

/// Linux empties the balloon before it adds a section.
TEST(MakePlan, TheLittleThatTheBalloonHoldsPaysForTheFirstBlock) {
  Input input = settled_guest(DomainType::pv);
  input.guest->report.mem_total = 160_MiB;
  input.guest->report.kernel_zone_free = 6739_KiB;  // 1 MiB above the kernel's reserve
  EXPECT_EQ(refusal(input, 512_MiB).cause, Cause::guest_memmap);
  input.guest->report.balloon_inflated = 3_MiB;
  EXPECT_TRUE(make_plan(input, 163_MiB));
  const auto plan = make_plan(input, 512_MiB);
  ASSERT_TRUE(plan) << plan.error().message;
  const auto& stages = plan.value().stages;
  EXPECT_EQ(stages[0], (Stage{.size = 163_MiB, .host_memory = 3_MiB}));
  EXPECT_EQ(stages[1].size, 163_MiB + 128_MiB);
  EXPECT_EQ(stages[1].blocks, 1);
  EXPECT_EQ(stages.back().size, 512_MiB);

  input.guest->report.balloon_inflated = 4_KiB;  // does not pay for a block
  const Error error = refusal(input, 512_MiB);
  EXPECT_EQ(error.cause, Cause::guest_memmap);
  EXPECT_EQ(error.nearest, 160_MiB + 4_KiB);
}

TEST(MakePlan, AShrinkTakesNextToNothingOnlyAsItsLastStage) {
  Input input = settled_guest();
  const auto has_stage_to = [&](Kib goal) { return next_stage(input, goal).has_value(); };
  // The guest can give 4 MiB less a page.
  const Kib kept = 60_MiB - (160_MiB - *shrink_floor(input, room_of(input.guest), 160_MiB));
  input.guest->report.kernel_zone_free = kept + smallest_stage - 4_KiB;
  EXPECT_FALSE(has_stage_to(100_MiB));
  EXPECT_TRUE(has_stage_to(160_MiB - smallest_stage + 4_KiB));
  input.guest->report.kernel_zone_free += 4_KiB;
  EXPECT_TRUE(has_stage_to(100_MiB));
}

TEST(MakePlan, AGuestThatStillOwesMemoryMayBeginWithASmallStage) {
  Input input = settled_guest();
  input.guest->report.balloon_current = 300_MiB;
  input.guest->report.balloon_target = 160_MiB;
  input.guest->report.balloon_inflated = 4_KiB;
  const Plan plan = make_plan(input, 1_GiB).value();
  EXPECT_EQ(plan.stages.front().size, 160_MiB + 4_KiB);
  EXPECT_EQ(plan.stages.back().size, 1_GiB);
}

TEST(MakePlan, LargeBlocksAreCountedFromWhatIsDescribed) {
  Input input = settled_guest();
  input.host.free = to_pages(64_GiB);
  input.guest->hello.block_size = 2_GiB;
  input.guest->report.kernel_zone_free = 1_GiB;
  input.guest->report.balloon_inflated = 300_MiB;  // the guest was shrunk by that
  EXPECT_EQ(make_plan(input, 460_MiB).value().stages[0].blocks, 0);
  EXPECT_THAT(refusal(input, 460_MiB + 2_GiB - 128_MiB).message,
              testing::HasSubstr("next are 460 MiB and 2508 MiB"));
  // The balloon driver itself rounds up to sections.
  EXPECT_EQ(make_plan(input, 460_MiB + 2_GiB - 128_MiB + 4_KiB).value().stages[0].blocks, 1);
  EXPECT_EQ(refusal(input, 460_MiB + 2_GiB + 4_KiB).nearest, 460_MiB + 2_GiB);
}

TEST(MakePlan, AKernelThatLosesTheFirstMemoryPast4GibIsNotBroughtThere) {
  Input input = settled_guest();
  input.guest->hello.kernel_release = "5.10.106";
  EXPECT_TRUE(make_plan(input, 3_GiB));
  const Error error = refusal(input, 5_GiB);
  EXPECT_EQ(error.cause, Cause::guest_kernel_fault);
  EXPECT_EQ(error.range->largest.size, 3_GiB);
  input.guest->hello.kernel_release.clear();  // the version is unknown
  EXPECT_EQ(refusal(input, 5_GiB).nearest, 3_GiB);

  Input movable = settled_guest();
  movable.guest->hello.kernel_release = "5.10.106";
  movable.terms.online = OnlineZone::movable;
  movable.terms.force_movable = true;
  EXPECT_EQ(refusal(movable, 1_GiB).cause, Cause::guest_kernel_fault);
  movable.guest->report.blocks_movable = 1;
  EXPECT_TRUE(make_plan(movable, 1_GiB));

  Input large = settled_guest();
  large.guest->hello.kernel_release = "5.10.106";
  large.domain.memory.allocated = to_pages(5_GiB);
  large.domain.target = large.domain.limit = large.domain.boot_limit = 5_GiB;
  EXPECT_TRUE(make_plan(large, 6_GiB));
}

TEST(MakePlan, ShrinksInStagesDownToAFloorThatTheGuestsKernelCanSpare) {
  Input input = settled_guest();
  input.domain.memory.allocated = to_pages(2_GiB);
  input.domain.target = 2_GiB;
  input.domain.limit = 2_GiB;
  input.domain.pool = pool_for(2_GiB, 1, true);
  input.guest->report.mem_total = 1980_MiB;
  input.guest->report.kernel_zone_free = 1400_MiB;

  const Plan plan = make_plan(input, 1_GiB).value();
  EXPECT_GT(plan.stages.size(), 1U);
  EXPECT_EQ(plan.stages.back().size, 1_GiB);

  const Error error = refusal(input, 200_MiB);
  EXPECT_EQ(error.cause, Cause::below_floor);
  ASSERT_TRUE(error.range);
  const RangeEnd& smallest = error.range->smallest;
  EXPECT_EQ(smallest.cause, Cause::below_floor);
  EXPECT_TRUE(make_plan(input, smallest.size));
  EXPECT_GT(smallest.size, 648_MiB);
}

TEST(Pressure, IsTakingWhatTheBalloonIsStillToGive) {
  Input input = settled_guest();
  AgentReport& report = input.guest->report;
  EXPECT_FALSE(is_pressed(input, 1_GiB)) << "60 MiB are free, and 24 are kept";
  report.balloon_current = 160_MiB;
  report.balloon_target = 130_MiB;
  EXPECT_FALSE(is_pressed(input, 1_GiB)) << "30 MiB are still to be given";
  report.kernel_zone_free = 45_MiB;
  EXPECT_TRUE(is_pressed(input, 1_GiB));
  report.balloon_current = 140_MiB;
  EXPECT_FALSE(is_pressed(input, 1_GiB));
  input.guest.reset();
  EXPECT_FALSE(is_pressed(input, 1_GiB)) << "nothing is known";
}

TEST(Pressure, CountsWhatTheGuestTakesMeanwhile) {
  Input input = settled_guest();
  const auto floor_of = [](const Input& of) {
    return shrink_floor(of, room_of(of.guest), 160_MiB);
  };
  const Kib floor = *floor_of(input);
  input.guest_demand = 31_MiB;
  EXPECT_EQ(*floor_of(input), floor) << "figures move by so much by themselves";
  EXPECT_FALSE(is_pressed(input, 1_GiB));
  input.guest_demand = 50_MiB;
  EXPECT_GT(*floor_of(input), floor);
  EXPECT_TRUE(is_pressed(input, 1_GiB));
}

TEST(MakePlan, MovableMemoryCannotBeTakenBack) {
  Input input = settled_guest();
  input.domain.memory.allocated = to_pages(2_GiB);
  input.domain.target = 2_GiB;
  input.domain.limit = 2_GiB;
  input.guest->report.mem_total = 1980_MiB;
  input.guest->report.mem_available = 1900_MiB;
  input.guest->report.kernel_zone_free = 60_MiB;
  EXPECT_EQ(refusal(input, 600_MiB).cause, Cause::below_floor);
}

struct Case {
  const char* name;
  Cause cause;
  std::function<void(Input&)> change;
  DomainType type{DomainType::pvh};
};

class Refusals : public testing::TestWithParam<Case> {};

TEST_P(Refusals, NameTheirCause) {
  Input input = settled_guest(GetParam().type);
  GetParam().change(input);
  const Error error = refusal(input, 1_GiB);
  EXPECT_EQ(name(error.cause), name(GetParam().cause)) << error.message;
  EXPECT_FALSE(error.message.empty());
  EXPECT_EQ(error.message.find('\n'), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(
    Each, Refusals,
    testing::Values(
        Case{"agent", Cause::agent_absent, [](Input& i) { i.guest.reset(); }},
        Case{"paused", Cause::domain_paused, [](Input& i) { i.domain.memory.paused = true; }},
        Case{"dying", Cause::domain_gone, [](Input& i) { i.domain.memory.dying = true; }},
        Case{"xapi", Cause::xen_unsupported,
             [](Input& i) { i.domain.has_stored_configuration = false; }},
        Case{"shim", Cause::xen_unsupported, [](Input& i) { i.domain.in_shim = true; }},
        Case{"target", Cause::xen_unsupported, [](Input& i) { i.domain.target.reset(); }},
        Case{"pod", Cause::populate_on_demand, [](Input& i) { i.domain.pod_entries = Pages{1}; }},
        Case{"pod_unknown", Cause::populate_on_demand,
             [](Input& i) { i.domain.pod_entries.reset(); }},
        Case{"passthrough", Cause::passthrough, [](Input& i) { i.domain.passthrough_devices = 1; }},
        Case{"passthrough_unknown", Cause::passthrough,
             [](Input& i) { i.domain.passthrough_devices.reset(); }},
        Case{"hotplug", Cause::guest_no_hotplug, [](Input& i) { i.guest->hello.hotplug = false; }},
        Case{"spinning_balloon", Cause::guest_kernel_fault,
             [](Input& i) { i.guest->hello.kernel_release = "5.10.71"; }},
        Case{"pool_unknown", Cause::paging_pool, [](Input& i) { i.domain.pool.reset(); }},
        Case{"pool_frozen_on_another_xen", Cause::paging_pool,
             [](Input& i) {
               i.domain.frozen_pool = 1664_KiB;
               i.host.xen_minor = 21;
             }},
        Case{"pool_frozen_by_libvirt", Cause::paging_pool,
             [](Input& i) {
               i.domain.frozen_pool = 1664_KiB;
               i.domain.managed_by_libvirt = true;
             }},
        Case{"pool_frozen_and_libvirt_unknown", Cause::paging_pool,
             [](Input& i) {
               i.domain.frozen_pool = 1664_KiB;
               i.domain.managed_by_libvirt.reset();
             }},
        Case{"policy", Cause::above_policy, [](Input& i) { i.terms.maximum = 512_MiB; }},
        Case{"starving", Cause::guest_memmap,
             [](Input& i) { i.guest->report.kernel_zone_free = 2_MiB; }},
        Case{"devices", Cause::hvm_emulated_devices,
             [](Input& i) { i.domain.emulated_dma_devices = true; }, DomainType::hvm},
        Case{"devices_unknown", Cause::hvm_emulated_devices,
             [](Input& i) { i.domain.emulated_dma_devices.reset(); }, DomainType::hvm}),
    [](const auto& each) { return std::string{each.param.name}; });

TEST(MakePlan, AnHvmGuestWithEmulatedDevicesGrowsWhenThatIsAllowed) {
  Input input = settled_guest(DomainType::hvm);
  input.domain.emulated_dma_devices = true;
  input.terms.allow_hvm_devices = true;
  EXPECT_TRUE(make_plan(input, 1_GiB));
}

TEST(MakePlan, WithoutAnAgentGrowthIsCarefulAndShrinkingRefused) {
  Input input = settled_guest();
  input.guest.reset();
  input.terms.agentless = true;
  input.domain.reported_started = true;
  EXPECT_GT(make_plan(input, 1_GiB).value().stages.size(), 2U);
  EXPECT_EQ(refusal(input, 2_GiB).cause, Cause::guest_memmap);
  EXPECT_EQ(refusal(input, 2_GiB).nearest, 8 * 160_MiB);
  EXPECT_EQ(refusal(input, 128_MiB).cause, Cause::below_floor);
}

TEST(MakePlan, WithoutAnAgentTheLimitOfAGuestThatStillBootsStays) {
  for (const DomainType type : {DomainType::pvh, DomainType::hvm}) {
    Input input = settled_guest(type);
    input.domain.limit = 200_MiB;
    input.domain.pool = pool_for(200_MiB, 1, true);
    input.guest.reset();
    input.terms.agentless = true;
    EXPECT_EQ(refusal(input, 1_GiB).cause, Cause::agent_absent);
    EXPECT_EQ(refusal(input, 1_GiB).nearest, 200_MiB);
    input.domain.reported_started = true;
    EXPECT_TRUE(make_plan(input, 1_GiB));
  }
  Input pv = settled_guest(DomainType::pv);  // its kernel does not count from the limit
  pv.guest.reset();
  pv.terms.agentless = true;
  EXPECT_TRUE(make_plan(pv, 1_GiB));
}

TEST(MakePlan, TakingMoreThanThereIsIsRefused) {
  EXPECT_EQ(refusal(settled_guest(), SizeRequest::relative(-160_MiB)).cause, Cause::below_floor);
}

TEST(RangeOf, NamesWhatStopsALargerAndASmallerSize) {
  const SizeRange range = range_of(settled_guest()).value();
  EXPECT_EQ(range.largest.cause, Cause::host_memory);
  EXPECT_GT(range.largest.size, 8_GiB);
  EXPECT_EQ(range.smallest.cause, Cause::below_floor);
  EXPECT_LT(range.smallest.size, 160_MiB);
  EXPECT_EQ(range.step, kib_per_page);
}

TEST(RangeOf, IsNotOfferedIfEverySizeIsRefused) {
  Input paused = settled_guest();
  paused.domain.memory.paused = true;
  const auto range = range_of(paused);
  ASSERT_FALSE(range);
  EXPECT_EQ(range.error().cause, Cause::domain_paused);
  EXPECT_EQ(range.error().message, "web1: the domain is paused");
  EXPECT_EQ(refusal(paused, 1_GiB).message, "web1: the domain is paused");
}

TEST(RangeOf, EndsAtTheAdministratorsMinimumAndMaximum) {
  Input input = settled_guest();
  input.terms.minimum = 150_MiB;
  input.terms.maximum = 1_GiB;
  const SizeRange range = range_of(input).value();
  EXPECT_EQ(range.smallest.size, 150_MiB);
  EXPECT_EQ(range.smallest.cause, Cause::below_policy);
  EXPECT_EQ(range.largest.size, 1_GiB);
  EXPECT_EQ(range.largest.cause, Cause::above_policy);
  EXPECT_EQ(refusal(input, 149_MiB).message,
            "web1: 149 MiB is too small; the smallest size possible now is 150 MiB: the "
            "administrator leaves it at least 150 MiB");
}

TEST(RangeOf, EndsBelowThePresentSizeIfThatCannotHaveItsPool) {
  Input input = settled_guest();
  input.domain.limit = 4_GiB;  // raised without libxl, which would have raised the pool
  input.host.free = to_pages(64_MiB);
  EXPECT_EQ(refusal(input, 160_MiB).cause, Cause::host_memory);
  const SizeRange range = range_of(input).value();
  EXPECT_EQ(range.largest.size, 160_MiB - kib_per_page);
  EXPECT_EQ(range.largest.cause, Cause::host_memory);
  EXPECT_TRUE(make_plan(input, range.largest.size));
}

TEST(Nearest, IsASizeOfTheRange) {
  const SizeRange range{.smallest = {.size = 100_MiB},
                        .largest = {.size = 4196_MiB},
                        .step = 2_GiB,
                        .step_from = 100_MiB};
  EXPECT_EQ(range.nearest(50_MiB), 100_MiB);
  EXPECT_EQ(range.nearest(1_GiB), 100_MiB);
  EXPECT_EQ(range.nearest(100_MiB + 1_GiB), 100_MiB) << "two are equally near";
  EXPECT_EQ(range.nearest(2_GiB), 2148_MiB);
  EXPECT_EQ(range.nearest(100_GiB), 4196_MiB);
}

TEST(NextStage, EndsAtTheGoal) {
  EXPECT_EQ(next_stage(settled_guest(), 160_MiB).value(), std::nullopt);
  EXPECT_EQ(next_stage(settled_guest(), 1_GiB).value()->size, 1_GiB);
}

}  // namespace
}  // namespace memctl::plan
