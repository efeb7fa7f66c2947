// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The rules that hold for every decision of the plan, whatever the facts.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "memctl/size.hpp"
#include "plan/limits.hpp"
#include "plan/plan.hpp"
#include "plan/step.hpp"
#include "random_facts.hpp"

namespace memctl::plan {
namespace {

using property::any_input;
using property::sizes;
using property::sound_input;

/// A stage is large enough, ends at the goal, or is the first and replaces an earlier target.
void check_least_size(const Input& input, const Plan& plan) {
  Kib size = present_size(input);
  for (const Stage& stage : plan.stages) {
    const Kib moved = std::max(stage.size - size, size - stage.size);
    const bool replaces = &stage == &plan.stages.front() && owes(input.guest);
    RC_ASSERT(moved >= smallest_stage || stage.size == plan.to || replaces);
    size = stage.size;
  }
  RC_ASSERT(plan.stages.size() <= 40U);
}

Kib kernel_zone(const Input& input) { return room_of(input.guest).kernel_zone.value_or(0_KiB); }

TEST(PlanProperty, ARefusalIsOneCauseWithOneLine) {
  EXPECT_TRUE(rc::check("a refusal", [] {
    const Input input = *any_input();
    const auto plan = make_plan(input, *sizes(4_KiB, 8_TiB));
    if (plan) return;
    const Error& error = plan.error();
    RC_ASSERT(!error.message.empty());
    RC_ASSERT(error.message.find('\n') == std::string::npos);
    RC_ASSERT(!name(error.cause).empty());
  }));
}

TEST(PlanProperty, TheEndsOfTheRangeAreGrantedAndOnePagePastThemIsNot) {
  EXPECT_TRUE(rc::check("the range of sizes", [] {
    const Input input = *any_input();
    const auto found = range_of(input);
    RC_PRE(found.has_value());
    const SizeRange& range = found.value();
    RC_ASSERT(make_plan(input, range.smallest.size).has_value());
    RC_ASSERT(make_plan(input, range.largest.size).has_value());
    const auto below = make_plan(input, range.smallest.size - kib_per_page);
    RC_ASSERT(below.has_error());
    RC_ASSERT(below.error().cause == range.smallest.cause);
    // The present size may lie between two whole pages.
    const Kib present = present_size(input);
    Kib past = round_down(range.largest.size, kib_per_page) + kib_per_page;
    if (range.largest.size < present) past = std::min(past, present);
    const auto beyond = make_plan(input, past);
    RC_ASSERT(beyond.has_error());
    RC_ASSERT(beyond.error().cause == range.largest.cause);
    RC_ASSERT(beyond.error().range == range);
  }));
}

TEST(PlanProperty, ASizeIsGrantedIfAndOnlyIfItIsInTheRange) {
  EXPECT_TRUE(rc::check("sizes of the range", [] {
    const Input input = *any_input();
    const Kib size = *sizes(4_KiB, 8_TiB);
    const auto plan = make_plan(input, size);
    const auto range = range_of(input);
    if (!range) {
      RC_ASSERT(plan.has_error());
      RC_ASSERT(!plan.error().range.has_value());
      return;
    }
    const Kib nearest = range.value().nearest(size);
    RC_ASSERT(make_plan(input, nearest).has_value());
    if (nearest == size) RC_ASSERT(plan.has_value());
    const bool outside = size < range.value().smallest.size || size > range.value().largest.size;
    if (outside && range.value().step == kib_per_page) RC_ASSERT(plan.has_error());
    if (!plan) RC_ASSERT(plan.error().nearest == nearest);
  }));
}

TEST(PlanProperty, EachStageOfAGrowthFitsIntoTheGuestAndTheHost) {
  EXPECT_TRUE(rc::check("stages of a growth", [] {
    const Input input = *sound_input();
    const Kib present = present_size(input);
    const auto range = range_of(input);
    RC_PRE(range.has_value());
    RC_PRE(range.value().largest.size > present);
    const Kib largest = range.value().largest.size;
    const Kib to = whole_blocks(input, *sizes(present + kib_per_page, largest));
    RC_PRE(to > present);
    const Plan plan = make_plan(input, to).value();

    Kib size = present;
    Kib room = kernel_zone(input);
    Kib host;
    for (const Stage& stage : plan.stages) {
      // The first stage may only replace a target that the guest still owes memory to.
      const bool first = &stage == &plan.stages.front();
      if (!first || room_of(input.guest).owed == Kib{}) RC_ASSERT(stage.size > size);
      RC_ASSERT(stage.size >= size);
      RC_ASSERT(stage.host_memory == stage.size - size);
      RC_ASSERT(stage.blocks >= 0);
      if (input.guest) RC_ASSERT(stage.memmap <= std::max(room, 0_KiB));
      room -= stage.memmap;
      if (input.terms.online == OnlineZone::kernel) room += stage.host_memory;
      host += stage.host_memory;
      size = stage.size;
    }
    check_least_size(input, plan);
    RC_ASSERT(size == to);
    RC_ASSERT(host == to - present);
    RC_ASSERT(host + plan.pool_growth + input.terms.host_reserve <= to_kib(input.host.available()));
    RC_ASSERT(plan.limit >= to && plan.limit >= plan.earlier_limit);
    if (plan.pool) {
      RC_ASSERT(*plan.pool >= *pool_needed(input.domain, plan.limit));
      RC_ASSERT(*plan.pool >= *input.domain.pool);  // never lowered
    }
  }));
}

TEST(PlanProperty, EachStageOfAShrinkLeavesTheKernelItsReserve) {
  EXPECT_TRUE(rc::check("stages of a shrink", [] {
    const Input input = *sound_input();
    const Kib present = present_size(input);
    const Kib floor = *shrink_floor(input, room_of(input.guest), present);
    RC_PRE(floor + kib_per_page < present);
    const auto made = make_plan(input, *sizes(floor, present - kib_per_page));
    RC_PRE(made.has_value());  // the pool may forbid it
    Kib size = present;
    Kib room = kernel_zone(input);
    for (const Stage& stage : made.value().stages) {
      RC_ASSERT(stage.size < size);
      RC_ASSERT(stage.blocks == 0 && stage.memmap == Kib{});
      room -= size - stage.size;
      RC_ASSERT(room >= 24_MiB);
      size = stage.size;
    }
    RC_ASSERT(size == made.value().to);
    check_least_size(input, made.value());
  }));
}

TEST(PlanProperty, NoPlanLeavesADomainThatCouldNotBeRestored) {
  EXPECT_TRUE(rc::check("frozen pools", [] {
    const Input input = *any_input();
    const auto plan = make_plan(input, *sizes(4_KiB, 8_TiB));
    RC_PRE(plan.has_value());
    if (!frozen_pool_needed(input.domain, plan.value().limit)) return;
    RC_ASSERT(input.domain.managed_by_libvirt == false);
    RC_ASSERT(input.host.xen_minor == 17);
  }));
}

TEST(PlanProperty, TheNextStageIsThePlansFirst) {
  EXPECT_TRUE(rc::check("the next stage", [] {
    const Input input = *sound_input();
    const auto range = range_of(input);
    RC_PRE(range.has_value());
    const Kib to = *sizes(present_size(input), range.value().largest.size);
    const auto plan = make_plan(input, to);
    RC_PRE(plan.has_value());
    RC_PRE(!plan.value().stages.empty());
    const auto next = next_stage(input, plan.value().to);
    RC_ASSERT(next.has_value());
    RC_ASSERT(next.value() == plan.value().stages.front());
  }));
}

TEST(PlanProperty, UnknownFactsNeverGrantMore) {
  static const std::vector<std::function<void(Input&)>> forget = {
      [](Input& i) { i.domain.target.reset(); },
      [](Input& i) { i.domain.limit.reset(); },
      [](Input& i) { i.domain.boot_limit.reset(); },
      [](Input& i) { i.domain.pool.reset(); },
      [](Input& i) { i.domain.hap.reset(); },
      [](Input& i) { i.domain.pod_entries.reset(); },
      [](Input& i) { i.domain.passthrough_devices.reset(); },
      [](Input& i) { i.domain.emulated_dma_devices.reset(); },
      [](Input& i) { i.domain.managed_by_libvirt.reset(); },
      [](Input& i) {
        if (i.guest) i.guest->report.balloon_inflated.reset();
      },
      [](Input& i) {
        if (i.guest) i.guest->hello.kernel_release.clear();
      },
  };
  EXPECT_TRUE(rc::check("unknown facts", [] {
    Input input = *any_input();
    if (input.guest) input.guest->hello.block_size = 128_MiB;
    const Kib to = *sizes(4_KiB, 4_TiB);
    Input less = input;
    forget[*rc::gen::inRange<std::size_t>(0, forget.size())](less);
    if (make_plan(less, to)) RC_ASSERT(make_plan(input, to).has_value());
  }));
}

TEST(PlanProperty, MoreRoomNeverRefusesMore) {
  EXPECT_TRUE(rc::check("more room", [] {
    Input input = *sound_input();
    const Kib present = present_size(input);
    const auto range = range_of(input);
    RC_PRE(range.has_value());
    const Kib to = *sizes(present - present / 4, range.value().largest.size);
    RC_PRE(make_plan(input, to).has_value());
    input.host.free = input.host.free + to_pages(1_GiB);
    input.terms.host_reserve = input.terms.host_reserve / 2;
    RC_ASSERT(make_plan(input, to).has_value());
    if (input.guest) input.guest->report.kernel_zone_free += 64_MiB;
    RC_ASSERT(make_plan(input, to).has_value());
  }));
}

}  // namespace
}  // namespace memctl::plan
