// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Growth that only some guests are bounded in: those with PCI devices, those that add movable
// memory, those in Xen's shim, and domains that are no guests.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memctl/size.hpp"
#include "plan/limits.hpp"
#include "plan/step.hpp"
#include "plan_fixture.hpp"

namespace memctl::plan {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

/// A guest that booted with 4 GiB and a PCI device. The balloon has all above `size`.
Input with_device(Kib size, DomainType type = DomainType::hvm) {
  Input input = settled_guest(type);
  input.domain.memory = {.allocated = to_pages(size), .max_pages = size + 1_MiB};
  input.domain.target = size;
  input.domain.limit = input.domain.boot_limit = 4_GiB;
  if (input.domain.pool) input.domain.pool = pool_for(4_GiB, 1, true);
  input.domain.passthrough_devices = 1;
  input.guest->report.mem_total = size - 100_MiB;
  input.guest->report.kernel_zone_free = size - 500_MiB;
  input.guest->report.balloon_inflated = 4_GiB - size;
  return input;
}

TEST(Passthrough, MemoryComesBackUpToTheBootLimit) {
  const auto plan = make_plan(with_device(2_GiB), 4_GiB);
  ASSERT_TRUE(plan) << plan.error().message;
  for (const Stage& stage : plan.value().stages) EXPECT_EQ(stage.blocks, 0);
  EXPECT_EQ(range_of(with_device(2_GiB)).value().largest.size, 4_GiB);
}

TEST(Passthrough, PastTheBootLimitGrowthIsRefused) {
  Input input = with_device(2_GiB);
  input.guest->report.balloon_inflated = 6_GiB;  // so much a guest can only pretend
  const Error error = refusal(input, 4_GiB + 4_KiB);
  EXPECT_EQ(error.cause, Cause::passthrough);
  EXPECT_THAT(error.message, HasSubstr("a PCI device is passed through to the domain, and it "
                                       "cannot grow past its boot limit of 4096 MiB"));
  EXPECT_EQ(error.hint, "xl pci-list web1, then xl pci-detach web1 DEVICE");
  EXPECT_EQ(error.nearest, 4_GiB);
}

TEST(Passthrough, OnlyPagesOfTheBalloonComeBack) {
  Input input = with_device(2_GiB);
  input.guest->report.balloon_inflated = 1_GiB;
  const Error error = refusal(input, 4_GiB);
  EXPECT_EQ(error.cause, Cause::passthrough);
  EXPECT_THAT(error.message, HasSubstr("only the memory that its balloon holds"));
  EXPECT_EQ(error.nearest, 3_GiB);
  input.guest->report.balloon_inflated.reset();
  EXPECT_THAT(refusal(input, 2_GiB + 4_KiB).message, HasSubstr("nothing tells"));
  input = with_device(2_GiB);
  input.guest.reset();
  input.terms.agentless = true;
  EXPECT_EQ(refusal(input, 3_GiB).cause, Cause::passthrough);
}

TEST(Passthrough, NoStageAddsABlockIfTheBalloonHasLessThanItHad) {
  Input input = with_device(2_GiB);
  input.guest->report.balloon_inflated = Kib{};
  const auto stage = next_stage(input, 4_GiB);
  ASSERT_FALSE(stage);
  EXPECT_EQ(stage.error().cause, Cause::passthrough);
}

/// A 512th of the growth, and 1 MiB.
TEST(Passthrough, TheHostAlsoNeedsMemoryForTheTablesOfTheIommu) {
  Input input = with_device(2_GiB);
  const Kib growth = 2_GiB + max_pages_slack;
  const Kib needed = growth + growth / 512 + 1_MiB + input.terms.host_reserve;
  input.host.free = to_pages(round_up(needed, kib_per_page));
  EXPECT_TRUE(make_plan(input, 4_GiB));
  input.host.free -= Pages{1};
  const Error error = refusal(input, 4_GiB);
  EXPECT_EQ(error.cause, Cause::host_memory);
  EXPECT_THAT(error.message, HasSubstr(" of it for the IOMMU's tables)"));
  input.domain.passthrough_devices = 0;
  EXPECT_TRUE(make_plan(input, 4_GiB));
}

TEST(Passthrough, OnlyADomainWithAPoolIsToldOfMemoryForThePool) {
  Input pv = with_device(2_GiB, DomainType::pv);
  pv.host.free = to_pages(1_GiB);
  EXPECT_THAT(refusal(pv, 4_GiB).message, HasSubstr("(6 MiB of it for the IOMMU's tables)"));
  Input hvm = with_device(2_GiB);
  hvm.host.free = to_pages(1_GiB);
  hvm.domain.pool = pool_for(2_GiB, 1, true);
  EXPECT_THAT(refusal(hvm, 4_GiB).message,
              HasSubstr("(14 MiB of it for the paging pool and the IOMMU's tables)"));
}

TEST(Passthrough, AShrinkThatCannotBeUndoneSaysSo) {
  EXPECT_EQ(make_plan(with_device(4_GiB), 2_GiB).value().no_way_back, "");
  Input grown = with_device(4_GiB);
  grown.domain.boot_limit = 3_GiB;  // the device came after the guest had grown
  const Plan plan = make_plan(grown, 2_GiB).value();
  EXPECT_THAT(plan.no_way_back,
              StartsWith("no way back to 4096 MiB: a PCI device is passed through to the domain, "
                         "and it cannot grow past its boot limit of 3072 MiB"));
  EXPECT_EQ(make_plan(grown, 4_GiB).value().no_way_back, "");
  Input old = with_device(4_GiB);
  old.guest->report.balloon_inflated.reset();
  EXPECT_THAT(make_plan(old, 2_GiB).value().no_way_back, HasSubstr("nothing tells"));
  Input bounded = settled_guest();
  bounded.terms.maximum = 150_MiB;
  EXPECT_THAT(make_plan(bounded, 140_MiB).value().no_way_back, HasSubstr("at most 150 MiB"));
  EXPECT_EQ(make_plan(settled_guest(), 140_MiB).value().no_way_back, "");
}

TEST(Passthrough, TheWayBackLeadsToWhatTheDomainHasAndNotToItsTarget) {
  Input input = with_device(4_GiB);
  input.domain.boot_limit = 3_GiB;
  input.domain.target = 2_GiB;  // xl mem-set has just set it
  const Plan plan = make_plan(input, 2_GiB).value();
  EXPECT_EQ(plan.from, 2_GiB);
  EXPECT_THAT(plan.no_way_back, StartsWith("no way back to 4096 MiB: "));
}

TEST(Passthrough, TheWayBackToASizeOfAnyKibLeadsToItsPages) {
  Input input = with_device(4_GiB);
  input.domain.target = input.domain.limit = input.domain.boot_limit = 4_GiB + 1_KiB;
  EXPECT_EQ(make_plan(input, 2_GiB).value().no_way_back, "");
}

/// Others may take the host's memory or free it before anybody wants the way back.
TEST(MakePlan, TheWayBackDoesNotDependOnTheHostsMemory) {
  Input input = settled_guest();
  for (const Kib free : {Kib{}, input.terms.host_reserve, 8_GiB}) {
    input.host.free = to_pages(free);
    EXPECT_EQ(make_plan(input, 140_MiB).value().no_way_back, "");
  }
}

TEST(Passthrough, TheForecastOfTheWayBackIsTrue) {
  const Input before = with_device(4_GiB);
  ASSERT_EQ(make_plan(before, 2_GiB).value().no_way_back, "");
  const auto back = make_plan(with_device(2_GiB), 4_GiB);
  EXPECT_TRUE(back) << back.error().message;
}

TEST(Passthrough, RestoringKeepsToTheBootLimit) {
  Input input = with_device(2_GiB);
  input.guest->report.balloon_inflated = Kib{};  // a report from before the shrink
  EXPECT_FALSE(refuse_return(input, 4_GiB));
  EXPECT_EQ(refuse_return(input, 4_GiB + 4_KiB)->cause, Cause::passthrough);
  input.domain.passthrough_devices.reset();
  EXPECT_EQ(refuse_return(input, 3_GiB)->cause, Cause::passthrough);
  input.domain.passthrough_devices = 0;
  EXPECT_FALSE(refuse_return(input, 64_GiB));
}

/// A guest whose kernel can use 200 MiB.
Input adds_movable() {
  Input input = settled_guest();
  input.terms.online = OnlineZone::movable;
  input.guest->report.mem_total = 200_MiB;
  input.guest->report.blocks_present = input.guest->report.blocks_online = 2;
  input.guest->report.balloon_inflated = Kib{};
  return input;
}

TEST(Movable, AtMostThreeTimesWhatTheKernelCanUse) {
  const Input input = adds_movable();
  const Error error = refusal(input, 1_GiB);
  EXPECT_EQ(error.cause, Cause::guest_memmap);
  EXPECT_THAT(
      error.message,
      HasSubstr("movable memory would be more than 3 times the 200 MiB that its kernel can"));
  EXPECT_THAT(error.hint, HasSubstr("--force-movable"));
  // Four blocks of 128 MiB are 512 MiB, and five would be 640.
  EXPECT_EQ(range_of(input).value().largest.size, 160_MiB + 4 * 128_MiB);
  EXPECT_TRUE(make_plan(input, 160_MiB + 4 * 128_MiB));
  EXPECT_EQ(refusal(input, 160_MiB + 4 * 128_MiB + 4_KiB).cause, Cause::guest_memmap);
}

TEST(Movable, ForcedItIsNotBounded) {
  Input input = adds_movable();
  input.terms.force_movable = true;
  EXPECT_TRUE(make_plan(input, 1_GiB));
  input = adds_movable();
  input.terms.online = OnlineZone::kernel;
  EXPECT_TRUE(make_plan(input, 1_GiB));
}

TEST(Movable, WhatIsMovableAlreadyCounts) {
  Input input = adds_movable();
  AgentReport& report = input.guest->report;
  report.mem_total = 200_MiB + 4 * 128_MiB;
  report.blocks_movable = 4;
  report.blocks_present = report.blocks_online = 6;
  EXPECT_EQ(refusal(input, 288_MiB).cause, Cause::guest_memmap);
  report.mem_total = 200_MiB + 3 * 128_MiB;
  report.blocks_movable = 3;
  EXPECT_TRUE(make_plan(input, 288_MiB));
  report.blocks_present = 7;  // one is offline, and the agent brings it online as well
  EXPECT_EQ(refusal(input, 288_MiB).cause, Cause::guest_memmap);
}

TEST(Movable, WhatTheBalloonHoldsIsTheKernelsToo) {
  Input input = adds_movable();
  input.guest->report.balloon_inflated = 200_MiB;
  EXPECT_EQ(range_of(input).value().largest.size, 360_MiB + 9 * 128_MiB);
  // A block of which a part is populated: the rest is held by the balloon, and still movable.
  Input partly = adds_movable();
  partly.guest->report.blocks_movable = 1;
  partly.guest->report.mem_total = 200_MiB + 1_MiB;
  partly.guest->report.balloon_inflated = 127_MiB;
  EXPECT_EQ(range_of(partly).value().largest.size, 160_MiB + 127_MiB + 3 * 128_MiB);
}

TEST(Movable, ImpossibleFiguresLeaveTheKernelNothing) {
  Input input = adds_movable();
  input.guest->report.mem_total = Kib{};
  input.guest->report.blocks_movable = (1 << 24) - 1;
  input.guest->report.blocks_online = input.guest->report.blocks_present = (1 << 24) - 1;
  input.guest->hello.block_size = 64_GiB;
  EXPECT_TRUE(refuse_movable(input, 64_TiB));
}

Input device_model() {
  Input input = settled_guest();
  input.domain.identity.name = "web7-dm";
  input.domain.identity.device_model_of = DomainId{7};
  input.domain.has_stored_configuration = false;
  input.guest.reset();
  return input;
}

TEST(DeviceModel, IsNamedAsWhatItIs) {
  for (const Kib size : {100_MiB, 160_MiB, 1_GiB}) {
    const Error error = refusal(device_model(), size);
    EXPECT_EQ(error.cause, Cause::xen_unsupported);
    EXPECT_EQ(error.message,
              "web7-dm: it is the device model of domain 7, and keeps the memory that it was "
              "built with");
    EXPECT_EQ(error.hint, "resize the guest: memctl resize 7 SIZE");
  }
  EXPECT_EQ(range_of(device_model()).error().cause, Cause::xen_unsupported);
}

TEST(GuestInXensShim, IsNotShrunkEither) {
  Input input = settled_guest();
  EXPECT_TRUE(make_plan(input, 144_MiB)) << refusal(input, 144_MiB).message;
  input.domain.in_shim = true;
  const Error error = refusal(input, 144_MiB);
  EXPECT_EQ(error.cause, Cause::xen_unsupported);
  EXPECT_THAT(error.message, HasSubstr("shim"));
}

}  // namespace
}  // namespace memctl::plan
