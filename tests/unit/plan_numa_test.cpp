// SPDX-License-Identifier: LGPL-2.1-or-later
//
// On a host with several NUMA nodes: which part of a growth would lie on the domain's own nodes,
// which growth is refused for that, and what became of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "plan/numa.hpp"
#include "plan_fixture.hpp"

namespace memctl::plan {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// A pv guest of 160 MiB that belongs to node 1, on a host with 6 GiB free on node 0, of which 1
/// GiB is low, and 2 GiB on node 1.
Input on_two_nodes(DomainType type = DomainType::pv) {
  Input input = settled_guest(type);
  input.host.numa_nodes = 2;
  input.host.nodes = {
      {.node = 0, .total = to_pages(8_GiB), .free = to_pages(6_GiB), .low = to_pages(1_GiB)},
      {.node = 1, .total = to_pages(8_GiB), .free = to_pages(2_GiB)}};
  input.domain.node_affinity = std::vector{1};
  // Only the host bounds it.
  input.guest->report.kernel_zone_free = input.guest->report.mem_total = 1_GiB;
  return input;
}

Input kept_local(DomainType type = DomainType::pv) {
  Input input = on_two_nodes(type);
  input.terms.numa = Numa::local;
  return input;
}

TEST(NumaForecast, AHostWithOneNodeHasNone) {
  Input input = settled_guest();
  input.domain.node_affinity = std::vector{0};
  input.terms.numa = Numa::local;
  EXPECT_FALSE(numa_forecast(input, 1_GiB));
  const auto plan = make_plan(input, 1_GiB);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_FALSE(plan.value().numa_forecast);
}

TEST(NumaForecast, TheDomainsNodesGiveWhatIsFreeOnThemBesideTheReserve) {
  const auto forecast = numa_forecast(on_two_nodes(), 4_GiB).value();
  EXPECT_THAT(forecast.nodes, ElementsAre(1));
  // The domain may populate 1 MiB more than its size.
  EXPECT_EQ(forecast.local, 2_GiB - 64_MiB - 1_MiB);
  EXPECT_EQ(numa_forecast(on_two_nodes(), 1_GiB)->local, 1_GiB - 160_MiB);
  EXPECT_EQ(make_plan(on_two_nodes(), 4_GiB).value().numa_forecast, forecast);
}

TEST(NumaForecast, WhatOthersHaveClaimedMayComeFromTheDomainsNodes) {
  Input input = on_two_nodes();
  input.host.claimed = to_pages(700_MiB);
  input.domain.memory.claim = to_pages(200_MiB);
  EXPECT_EQ(numa_forecast(input, 4_GiB)->local, 2_GiB - 500_MiB - 64_MiB - 1_MiB);
}

TEST(NumaForecast, LowMemoryOfANodeIsGivenLast) {
  Input input = on_two_nodes();
  input.domain.node_affinity = std::vector{0};
  EXPECT_EQ(numa_forecast(input, 8_GiB)->local, 5_GiB - 64_MiB - 1_MiB);
}

TEST(NumaForecast, TheGrowthOfThePoolTakesItsPartFirst) {
  const Kib pool = host_need(on_two_nodes(DomainType::pvh), 4_GiB).pool;
  ASSERT_GT(pool, Kib{});
  EXPECT_EQ(numa_forecast(on_two_nodes(DomainType::pvh), 4_GiB)->local,
            2_GiB - 64_MiB - 1_MiB - pool);
}

TEST(NumaForecast, ADomainOfAllNodesIsLocalEverywhere) {
  Input input = kept_local();
  input.domain.node_affinity = std::vector{0, 1};
  EXPECT_EQ(numa_forecast(input, 4_GiB)->local, 4_GiB - 160_MiB);
  EXPECT_TRUE(make_plan(input, 7_GiB));
}

TEST(NumaForecast, WhatXenDoesNotTellStaysUnknown) {
  Input input = on_two_nodes();
  input.host.nodes.clear();
  EXPECT_EQ(numa_forecast(input, 1_GiB)->local, std::nullopt);
  input = on_two_nodes();
  input.domain.node_affinity.reset();
  const auto forecast = numa_forecast(input, 1_GiB).value();
  EXPECT_TRUE(forecast.nodes.empty());
  EXPECT_EQ(forecast.local, std::nullopt);
}

TEST(NumaForecast, AShrinkTakesNothing) {
  EXPECT_EQ(numa_forecast(on_two_nodes(), 100_MiB)->local, Kib{});
}

TEST(NumaLocal, AGrowthBeyondTheNodeIsRefusedWithTheNodesName) {
  const Error error = refusal(kept_local(), 4_GiB);
  EXPECT_EQ(error.cause, Cause::host_memory);
  EXPECT_THAT(
      error.message,
      HasSubstr("4096 MiB is too large; the largest size possible now is 2143 MiB: its NUMA "
                "node 1 has no more (1984 MiB free beyond the reserve and what is claimed "
                "for others)"));
  EXPECT_THAT(error.hint, HasSubstr("xl info -n"));
  EXPECT_EQ(error.nearest, 2_GiB - 64_MiB - 1_MiB + 160_MiB);
  EXPECT_EQ(error.range->largest.cause, Cause::host_memory);
  EXPECT_TRUE(make_plan(kept_local(), *error.nearest));
  EXPECT_TRUE(make_plan(on_two_nodes(), 4_GiB));
}

TEST(NumaLocal, ADomainOfSeveralNodesNamesThem) {
  Input input = kept_local();
  input.host.numa_nodes = 4;
  input.host.nodes.push_back({.node = 2, .free = to_pages(128_MiB)});
  input.host.nodes.push_back({.node = 3, .free = to_pages(128_MiB)});
  input.domain.node_affinity = std::vector{1, 2, 3};
  EXPECT_THAT(refusal(input, 4_GiB).message, HasSubstr("its NUMA nodes 1, 2 and 3 have no more"));
}

TEST(NumaLocal, WhereXenDoesNotTellAnyGrowthIsRefusedAndAShrinkIsGranted) {
  Input input = kept_local();
  input.domain.node_affinity.reset();
  const Error error = refusal(input, 161_MiB);
  EXPECT_EQ(error.cause, Cause::host_memory);
  EXPECT_THAT(error.message, HasSubstr("Xen does not tell which NUMA nodes are the domain's"));
  EXPECT_TRUE(make_plan(input, 160_MiB));
  input.guest->report.kernel_zone_free = 100_MiB;
  EXPECT_TRUE(make_plan(input, 159_MiB));
}

TEST(NumaLocal, AHostThatHasTooLittleIsToldAsThat) {
  EXPECT_THAT(refusal(kept_local(), 100_GiB).message, HasSubstr("of the host; it can give"));
}

TEST(NumaLocal, TheWayBackOfAShrinkIsNoMatterOfTheHost) {
  Input input = kept_local();
  input.guest->report.kernel_zone_free = 100_MiB;
  input.guest->report.balloon_inflated = Kib{};
  input.guest->report.balloon_target = input.guest->report.balloon_current = 160_MiB;
  input.host.nodes[1].free = Pages{};
  const auto plan = make_plan(input, 159_MiB);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan.value().no_way_back, "");
}

TEST(NumaEstimate, TellsTheChangeOfEachNodeAndWhatTheOwnNodesGave) {
  const Input input = on_two_nodes();
  auto after = input.host.nodes;
  after[0].free -= to_pages(100_MiB);
  after[1].free -= to_pages(400_MiB);
  const auto estimate = numa_estimate(input.host.nodes, after, input.domain, 500_MiB).value();
  EXPECT_THAT(estimate.nodes, ElementsAre(1));
  EXPECT_THAT(estimate.changes, ElementsAre(NodeChange{.node = 0, .free = -100_MiB},
                                            NodeChange{.node = 1, .free = -400_MiB}));
  EXPECT_EQ(estimate.local, 400_MiB);
  // What others took meanwhile is in it; no more than the growth can be the domain's.
  EXPECT_EQ(numa_estimate(input.host.nodes, after, input.domain, 500_MiB, 16_MiB)->local,
            *estimate.local - 16_MiB)
      << "the pool is not the guest's";
  EXPECT_EQ(numa_estimate(input.host.nodes, after, input.domain, 300_MiB)->local, 300_MiB);
  after[1].free += to_pages(900_MiB);
  EXPECT_EQ(numa_estimate(input.host.nodes, after, input.domain, 300_MiB)->local, Kib{});
}

TEST(NumaEstimate, IsUnknownWhereALookDidNotShowTheNodes) {
  const Input input = on_two_nodes();
  EXPECT_FALSE(numa_estimate({}, {}, input.domain, 1_GiB));
  EXPECT_FALSE(numa_estimate(input.host.nodes, {}, input.domain, 1_GiB));
  EXPECT_EQ(numa_estimate(input.host.nodes, input.host.nodes, input.domain, Kib{})->local,
            std::nullopt);
}

}  // namespace
}  // namespace memctl::plan
