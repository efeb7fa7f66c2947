// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What size a domain has: targets that are no whole pages, video RAM, caps, and domains that are
// still on their way to another tool's target.
#include <gtest/gtest.h>

#include "plan/limits.hpp"
#include "plan/plan.hpp"
#include "plan_fixture.hpp"

namespace memctl::plan {
namespace {

TEST(MakePlan, FindsTheLargestSizeOfADomainWhoseTargetIsNoWholeNumberOfPages) {
  for (const Kib odd : {1_KiB, 2_KiB, 3_KiB}) {
    Input input = settled_guest(DomainType::pv);
    input.domain.target = 160_MiB + odd;
    input.domain.limit = 160_MiB + odd;
    input.domain.memory = {.allocated = to_pages(160_MiB), .max_pages = 161_MiB + odd};
    const Error error = refusal(input, 511_GiB);
    EXPECT_EQ(error.cause, Cause::host_memory);
    ASSERT_TRUE(error.range);
    const Kib largest = error.range->largest.size;
    EXPECT_EQ(round_down(largest, kib_per_page), largest) << odd.count();
    EXPECT_TRUE(make_plan(input, largest)) << odd.count();
  }
}

TEST(MakePlan, TheSizeThatADomainHasIsGrantedEvenIfItIsNoWholeNumberOfPages) {
  for (const Kib odd : {1_KiB, 2_KiB, 3_KiB}) {
    Input input = settled_guest(DomainType::pv);
    input.domain.target = 160_MiB + odd;
    input.domain.limit = 160_MiB + odd;
    input.host.free = Pages{};
    for (const SizeRequest same : {SizeRequest{160_MiB + odd}, SizeRequest::relative(Kib{})}) {
      const auto plan = make_plan(input, same);
      ASSERT_TRUE(plan) << plan.error().message;
      EXPECT_TRUE(plan.value().stages.empty());
      EXPECT_EQ(plan.value().range.largest.size, 160_MiB + odd);
      EXPECT_EQ(plan.value().range.nearest(1_GiB), 160_MiB + odd);
    }
    EXPECT_EQ(refusal(input, 160_MiB + 4_KiB).cause, Cause::host_memory);
  }
}

TEST(MakePlan, AGuestWithAnOddSizeThatCanGiveNothingIsToldSo) {
  for (const Kib odd : {1_KiB, 2_KiB, 3_KiB}) {
    Input input = settled_guest();
    input.domain.target = 160_MiB + odd;
    input.guest->report.kernel_zone_free = Kib{};
    const Error error = refusal(input, 100_MiB);
    EXPECT_EQ(error.cause, Cause::below_floor);
    EXPECT_EQ(error.nearest, 160_MiB + odd);
  }
}

TEST(MakePlan, LargeBlocksAreCountedInWholePages) {
  for (const Kib odd : {1_KiB, 2_KiB, 3_KiB}) {
    Input input = settled_guest();
    input.domain.target = 160_MiB + odd;
    input.guest->hello.block_size = 256_MiB;
    const auto plan = make_plan(input, 416_MiB);
    ASSERT_TRUE(plan) << plan.error().message;
    EXPECT_EQ(plan.value().stages.back().blocks, 1);
    EXPECT_EQ(refusal(input, 416_MiB + 4_KiB).cause, Cause::block_size);
  }
}

TEST(Input, APageCountIsReckonedInWholePagesOfTheTarget) {
  for (const Kib odd : {1_KiB, 2_KiB, 3_KiB}) {
    for (const Kib odd_video : {0_KiB, 1_KiB, 2_KiB, 3_KiB}) {
      Input input = settled_guest(DomainType::hvm);
      input.domain.video_ram = 16_MiB + odd_video;
      input.domain.target = 144_MiB + odd;
      input.domain.memory.allocated = to_pages(*input.domain.target) + to_pages(16_MiB + 80_KiB);
      EXPECT_EQ(present_size(input), input.domain.size());
      for (const Kib size : {100_MiB, 1_GiB}) {
        const Pages goal = settled_pages(input, size);
        Input later = input;
        later.domain.target = size - later.domain.video_ram;
        EXPECT_EQ(goal, to_pages(*later.domain.target) + to_pages(16_MiB + 80_KiB));
      }
    }
  }
}

TEST(Input, ADomainThatIsHeldBelowItsTargetHasWhatXenCounts) {
  Input input = settled_guest(DomainType::pv);
  input.domain.target = 161_MiB;
  EXPECT_EQ(present_size(input), 161_MiB) << "a kernel that rests off its target";

  input.domain.memory.max_pages = 160_MiB;
  EXPECT_EQ(present_size(input), 160_MiB) << "max_pages holds it";

  input.domain.memory.max_pages = 162_MiB;
  input.guest->report.balloon_current = 160_MiB;
  input.guest->report.balloon_target = 161_MiB;
  EXPECT_EQ(present_size(input), 160_MiB) << "its balloon has not arrived";
}

TEST(Input, TheBalloonTellsThatVideoMemoryIsGivenUpOnTheWay) {
  Input input = settled_guest(DomainType::hvm);
  input.domain.video_ram = 16_MiB;
  input.domain.target = 84_MiB;
  EXPECT_EQ(present_size(input), 160_MiB);
  // As measured on Xen 4.17 with Linux 6.1: see docs/xen-notes.md.
  input.guest->report.balloon_target = 84_MiB - 16_MiB - 396_KiB;
  input.guest->report.balloon_current = 144_MiB - 16_MiB - 396_KiB;
  input.domain.memory.allocated = to_pages(144_MiB);
  EXPECT_EQ(present_size(input), 160_MiB);

  // A kernel that takes xenstore's target as it is gives nothing up.
  input.guest->report.balloon_target = 84_MiB;
  input.guest->report.balloon_current = 144_MiB;
  input.domain.memory.allocated = to_pages(160_MiB);
  EXPECT_EQ(present_size(input), 160_MiB);
}

TEST(Input, AGuestThatGaveItsVideoMemoryUpIsSettled) {
  Input input = settled_guest(DomainType::hvm);
  DomainFacts& domain = input.domain;
  domain.video_ram = 16_MiB;
  domain.target = 144_MiB;
  for (const Kib offset : {16_KiB, -16_KiB, 16_KiB - 16_MiB}) {
    domain.memory.allocated = to_pages(160_MiB + offset);
    EXPECT_EQ(settled_offset(input), offset);
    EXPECT_EQ(present_size(input), 160_MiB);
  }
  domain.memory.allocated = to_pages(152_MiB);  // on its way
  EXPECT_EQ(present_size(input), 152_MiB);
}

TEST(MakePlan, WhatAGuestOwesToAnEarlierTargetDoesNotRefuseWhatReplacesIt) {
  Input input = settled_guest();
  input.domain.memory = {.allocated = to_pages(1000_MiB), .max_pages = 1025_MiB};
  input.domain.limit = 1_GiB;
  input.domain.pool = pool_for(1_GiB, 1, true);
  input.domain.target = 300_MiB;
  input.guest->report = {.mem_total = 970_MiB,
                         .kernel_zone_free = 500_MiB,
                         .balloon_target = 299_MiB,
                         .balloon_current = 999_MiB,
                         .balloon_inflated = 24_MiB};
  for (const Kib to : {600_MiB, 998_MiB}) EXPECT_TRUE(make_plan(input, to)) << to.count();
  EXPECT_EQ(refusal(input, 300_MiB).cause, Cause::below_floor) << "only 500 MiB are free";

  const auto plan = make_plan(input, 2_GiB);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan.value().stages.front().size, 1_GiB);
  EXPECT_EQ(plan.value().stages.front().blocks, 0);

  input.guest->report.balloon_inflated = Kib{};
  const auto anew = make_plan(input, 2_GiB);
  ASSERT_TRUE(anew) << anew.error().message;
  EXPECT_EQ(anew.value().stages.front(), (Stage{.size = 1000_MiB}));
  EXPECT_GT(anew.value().stages.at(1).blocks, 0);
}

TEST(MakePlan, WhatTheBalloonIsStillToTakeIsNotFree) {
  Input input = settled_guest();
  input.guest->report.balloon_current = 160_MiB;
  input.guest->report.balloon_target = 102_MiB;
  const Plan more = make_plan(input, 1_GiB).value();
  EXPECT_EQ(more.stages.front(), (Stage{.size = 160_MiB})) << "it only replaces that target";
  const Error less = refusal(input, 150_MiB);
  EXPECT_EQ(less.range->smallest.size, 160_MiB);
  EXPECT_EQ(less.message,
            "web1: it cannot shrink now: the rest of its memory is in use, or movable");
}

TEST(RangeOf, IsFoundForAnOddSizeOfAGuestThatCanGiveNothing) {
  for (const Kib odd : {1_KiB, 2_KiB, 3_KiB}) {
    Input input = settled_guest(DomainType::pv);
    input.domain.target = 160_MiB + odd;
    input.domain.limit = 160_MiB + odd;
    input.guest->report.kernel_zone_free = 1_MiB;
    const SizeRange range = range_of(input).value();
    EXPECT_EQ(range.smallest.size, present_size(input));
    EXPECT_EQ(refusal(input, 100_MiB).nearest, present_size(input));
  }
}

}  // namespace
}  // namespace memctl::plan
