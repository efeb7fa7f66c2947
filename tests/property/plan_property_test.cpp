// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The rules that hold for every decision of the plan, whatever the facts.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "memctl/size.hpp"
#include "plan/diagnosis.hpp"
#include "plan/limits.hpp"
#include "plan/numa.hpp"
#include "plan/plan.hpp"
#include "plan/sections.hpp"
#include "plan/step.hpp"
#include "random_facts.hpp"
#include "random_host.hpp"
#include "resize/inquiry.hpp"
#include "resize/operation.hpp"
#include "support/simulation.hpp"

namespace memctl::plan {
namespace {

using property::any_input;
using property::hostile_texts;
using property::one_in;
using property::sizes;
using property::sound_input;

/// A stage is large enough, ends at the goal, or is the first and replaces an earlier target or
/// empties the balloon.
void check_least_size(const Input& input, const Plan& plan) {
  Kib size = present_size(input);
  for (const Stage& stage : plan.stages) {
    const Kib moved = std::max(stage.size - size, size - stage.size);
    const bool replaces = &stage == &plan.stages.front() && owes(input.guest);
    const bool empties = &stage == &plan.stages.front() && stage.size > size &&
                         stage.size - size == room_of(input.guest).inflated;
    RC_ASSERT(moved >= smallest_stage || stage.size == plan.to || replaces || empties);
    size = stage.size;
  }
  RC_ASSERT(plan.stages.size() <= 40U);
}

Kib kernel_zone(const Input& input) { return room_of(input.guest).kernel_zone.value_or(0_KiB); }

/// Whether what a stage adds serves the kernel as well.
bool added_serves_kernel(const Input& input) {
  return input.terms.online == OnlineZone::kernel && !has_32_bits(input.guest);
}

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
    RC_ASSERT(*beyond.error().range == range);
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
      RC_ASSERT(!plan.error().range);
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

TEST(PlanProperty, AGrowthByWhatTheForecastCallsLocalIsLocalAsAWhole) {
  EXPECT_TRUE(rc::check("the forecast of a growth", [] {
    Input input = *any_input();
    const auto range = range_of(input);
    RC_PRE(range.has_value());
    const Kib present = present_size(input);
    const Kib largest = range.value().largest.size;
    RC_PRE(largest > present);
    const Kib to = *sizes(present + kib_per_page, largest);
    const auto forecast = numa_forecast(input, to);
    RC_ASSERT(forecast.has_value() == (input.host.numa_nodes > 1));
    if (!forecast || !forecast->local) return;
    const Kib local = *forecast->local;
    RC_ASSERT(local >= 0_KiB);
    RC_ASSERT(local <= std::max(0_KiB, to - present));
    RC_ASSERT(numa_forecast(input, present + local)->local == local);
    // What is granted as local is forecast as local, and the other way round.
    input.terms.numa = Numa::local;
    RC_ASSERT(!refuse_remote_memory(input, present + local));
    RC_ASSERT(refuse_remote_memory(input, to).has_value() == (local < to - present));
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
      if (added_serves_kernel(input)) room += stage.host_memory;
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
    Kib room = kernel_zone(input) + room_of(input.guest).high;
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
    const auto range = range_of(input);
    if (!range) return;
    const Kib to = *sizes(range.value().smallest.size, range.value().largest.size);
    const auto plan = make_plan(input, to);
    if (!plan || !frozen_pool_needed(input.domain, plan.value().limit)) return;
    RC_ASSERT(input.domain.managed_by_libvirt == false);
    RC_ASSERT(input.host.xen_minor == 17 || input.host.xen_minor == 20);
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

TEST(PlanProperty, ADomainWithAPciDeviceGetsNoNewBlock) {
  EXPECT_TRUE(rc::check("PCI devices", [] {
    Input input = *any_input();
    input.domain.passthrough_devices = *rc::gen::inRange(1, 3);
    const auto range = range_of(input);
    RC_PRE(range.has_value());
    const Kib present = present_size(input);
    const Kib largest = range.value().largest.size;
    RC_ASSERT(largest <= std::max(present, input.domain.boot_limit.value_or(present)));
    const Plan plan = make_plan(input, largest).value();
    for (const Stage& stage : plan.stages) RC_ASSERT(stage.blocks == 0);
    if (largest <= present) return;
    const Kib taken = host_need(input, largest).all();
    RC_ASSERT(taken <= host_spare(input));
    RC_ASSERT(taken >= largest - present + (largest - present) / 512);
  }));
}

TEST(PlanProperty, AtMostThreeTimesWhatTheKernelCanUseBecomesMovable) {
  EXPECT_TRUE(rc::check("movable memory", [] {
    Input input = *sound_input();
    input.terms.online = OnlineZone::movable;
    input.terms.force_movable = false;
    const auto range = range_of(input);
    RC_PRE(range.has_value());
    const Kib largest = range.value().largest.size;
    RC_PRE(whole_pages(input.domain, largest) > described_size(input));
    const Plan plan = make_plan(input, largest).value();
    const AgentReport& report = input.guest->report;
    const Kib block = input.guest->hello.block_size;
    std::int64_t added = 0;
    for (const Stage& stage : plan.stages) added += stage.blocks;
    const std::int64_t movable =
        report.blocks_movable + report.blocks_present - report.blocks_online + added;
    const Kib kernel =
        report.mem_total + report.balloon_inflated.value_or(Kib{}) - block * report.blocks_movable;
    // A present size that is no number of whole pages can take one block more.
    const Kib present = present_size(input);
    const std::int64_t odd = whole_pages(input.domain, present) == present ? 0 : 1;
    RC_ASSERT(block * (movable - odd) <= kernel * 3);
    input.terms.force_movable = true;
    RC_ASSERT(range_of(input).value().largest.size >= largest);
  }));
}

/// A guest whose agent is honest.
host::sim::GuestSpec honest_guest() {
  host::sim::GuestSpec spec = (*property::hosts()).guests.front();
  spec.agent = {};
  spec.journal.clear();
  spec.linux.online_fails = false;
  spec.linux.populated_per_second = Kib{};
  return spec;
}

/// The guest shrinks on the simulator, and then is asked for the way back. Before that it may have
/// grown and got a PCI device, and an administrator may have bounded it.
TEST(PlanProperty, AShrinkWithAWayBackHasIt) {
  EXPECT_TRUE(rc::check("the way back", [] {
    test::Simulation simulation{{.host = 128_GiB, .xen_minor = *rc::gen::element(17, 20, 22)}};
    const auto added = simulation.world.try_add_guest(honest_guest());
    RC_PRE(added.has_value());
    const DomainId id = added.value();
    simulation.world.advance(std::chrono::seconds{10});
    RC_PRE(simulation.world.guest(id).alive());
    auto& record = *simulation.world.toolstack().find(id);
    ResizeOptions options{.allow_hvm_devices = true};
    resize::Question question = resize::question_of(options);
    const auto resize_to = [&](SizeRequest size) {
      resize::ResizeOperation operation{simulation.port(), record.identity, size, options,
                                        question};
      return simulation.run(operation.run());
    };
    const auto plan_to = [&](SizeRequest size) {
      return simulation.run(resize::plan_only(simulation.port(), record.identity, size, question));
    };

    if (one_in(2)) RC_PRE(resize_to(SizeRequest::relative(*sizes(4_KiB, 8_GiB))).has_value());
    if (one_in(3)) record.passthrough_devices = 1;
    if (one_in(4)) question.terms.maximum = *sizes(128_MiB, 16_GiB);
    question.terms.allow_hvm_devices = one_in(2);
    const auto stay = plan_to(SizeRequest::relative(Kib{}));
    RC_PRE(stay.has_value());
    const Kib present = stay.value().from;
    const Kib smallest = stay.value().range.smallest.size;
    RC_PRE(smallest < present);

    const auto shrink = plan_to(*sizes(smallest, present - kib_per_page));
    RC_PRE(shrink.has_value());
    RC_PRE(resize_to(shrink.value().to).has_value());
    const auto back = plan_to(present);
    const std::string& why_not = shrink.value().no_way_back;
    RC_CLASSIFY(!why_not.empty(), "no way back");
    RC_LOG() << why_not << "\n" << (back ? std::string{} : back.error().message);
    RC_ASSERT(back.has_value() == why_not.empty());
    if (back) {
      RC_ASSERT(back.value().no_way_back.empty());
      return;
    }
    const std::string begin = "no way back to " + to_string(present) + ": ";
    RC_ASSERT(why_not.starts_with(begin));
    RC_ASSERT(back.error().message.ends_with(why_not.substr(begin.size())));
  }));
}

/// The facts of a domain that has grown as the plan says, if nothing else happened.
Input grown(Input input, const Plan& plan) {
  const Kib more = plan.to - present_size(input);
  input.domain.memory.allocated = settled_pages(input, plan.to);
  input.domain.target = plan.to - input.domain.video_ram;
  AgentReport& report = input.guest->report;
  Kib described;
  for (const Stage& stage : plan.stages) {
    described += input.guest->hello.block_size * stage.blocks;
    report.kernel_zone_free -= stage.memmap;
  }
  if (added_serves_kernel(input)) report.kernel_zone_free += more;
  report.mem_total += more;
  report.balloon_inflated = report.balloon_inflated.value_or(Kib{}) + described - more;
  report.balloon_current = report.balloon_target;
  return input;
}

TEST(PlanProperty, WhatTwoResizesReachOneReachesToo) {
  EXPECT_TRUE(rc::check("growth in two resizes", [] {
    Input input = *sound_input();
    input.terms.online = OnlineZone::kernel;
    const Kib present = present_size(input);
    const auto range = range_of(input);
    RC_PRE(range.has_value());
    RC_PRE(range.value().largest.size > present + kib_per_page);
    const auto first = make_plan(input, *sizes(present + kib_per_page, range.value().largest.size));
    RC_PRE(first.has_value());
    const Kib to = first.value().to + *sizes(4_KiB, 1_TiB);
    if (walk(grown(input, first.value()), to)) RC_ASSERT(walk(input, to).has_value());
  }));
}

/// All commands and instructions that a domain with this input is given.
std::vector<std::string> advice_for(const Input& input, Kib to) {
  DomainExam exam{.facts = input, .library_version = "0.1.0"};
  exam.facts.terms.agentless = false;  // as the doctor asks
  if (input.guest) exam.hello = input.guest->hello;
  std::vector<std::string> advice;
  for (const Finding& finding : diagnose_domain(exam)) advice.push_back(finding.remedy);
  for (const Finding& finding : diagnose_guest(exam)) advice.push_back(finding.remedy);
  const auto plan = make_plan(input, to);
  if (!plan) advice.push_back(plan.error().hint);
  return advice;
}

TEST(PlanProperty, NothingForeignStandsInWhatIsToBePasted) {
  EXPECT_TRUE(rc::check("hostile names and paths", [] {
    Input input = *any_input();
    const Kib to = *sizes(4_KiB, 8_TiB);
    Input plain = input;
    plain.domain.identity.name = "plain-name";
    input.domain.identity.name = *hostile_texts();
    if (input.guest) {
      input.guest->hello.udev_rule = *hostile_texts();
      plain.guest->hello.udev_rule = "/etc/udev/rules.d/40-own.rules";
      input.guest->hello.agent_version = "x" + *hostile_texts();
      plain.guest->hello.agent_version = "x";
      input.guest->hello.no_hotplug_reason = *hostile_texts();
    }
    input.holder.owner = *hostile_texts();
    plain.holder.owner = "a process";
    auto expected = advice_for(plain, to);
    for (std::string& advice : expected) {
      const auto at = advice.find("plain-name");
      if (at != std::string::npos) {
        const std::string id = std::to_string(number(plain.domain.identity.id));
        advice.replace(at, std::string_view{"plain-name"}.size(), id);
        const auto again = advice.find("plain-name");
        if (again != std::string::npos) {
          advice.replace(again, std::string_view{"plain-name"}.size(), id);
        }
      }
    }
    RC_ASSERT(advice_for(input, to) == expected);
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
      [](Input& i) {
        if (i.guest) i.guest->report.highmem_free.reset();
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
