// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Resizes on a host with two NUMA nodes of 4 GiB each.
#include <gmock/gmock.h>

#include <string>

#include "operation_fixture.hpp"
#include "resize/inquiry.hpp"

namespace memctl::resize {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class OnTwoNodes : public testing::TestWithParam<DomainType> {
 protected:
  DomainId add(std::vector<int> nodes) {
    return simulation.world.add_guest({.type = GetParam(),
                                       .memory = 512_MiB,
                                       .numa_nodes = std::move(nodes),
                                       .linux = {.kernel_free = 256_MiB}});
  }
  Result<Report> resize(DomainId id, SizeRequest size, ResizeOptions options = {}) {
    ResizeOperation operation{
        simulation.port(), {.id = id, .name = "guest", .type = GetParam()}, size, options};
    return simulation.run(operation.run());
  }
  Kib free_on(int node) { return to_kib(simulation.world.xen().numa().free(node)); }

  test::Simulation simulation{{.host = 8_GiB, .numa_nodes = 2}};
};

INSTANTIATE_TEST_SUITE_P(Types, OnTwoNodes, testing::Values(DomainType::pv, DomainType::pvh),
                         [](const auto& type) { return std::string{name(type.param)}; });

TEST_P(OnTwoNodes, ALocalGrowthWithinTheNodeLiesThereAndTheReportSaysSo) {
  const DomainId id = add({1});
  const Kib before = free_on(1);
  const Kib other = free_on(0);
  const auto report = resize(id, 2_GiB, {.numa = Numa::local});
  ASSERT_TRUE(report) << report.error().message;
  const auto& estimate = report.value().numa_estimate;
  ASSERT_TRUE(estimate);
  EXPECT_THAT(estimate->nodes, ElementsAre(1));
  EXPECT_EQ(estimate->local, 1536_MiB);
  EXPECT_THAT(estimate->changes, ElementsAre(NodeChange{.node = 0, .free = Kib{}},
                                             NodeChange{.node = 1, .free = free_on(1) - before}));
  EXPECT_LE(free_on(1), before - 1536_MiB);
  EXPECT_EQ(free_on(0), other);
}

TEST_P(OnTwoNodes, ALocalGrowthBeyondTheNodeIsRefusedAndTheNearestSizeIsGranted) {
  const DomainId id = add({1});
  const auto refused = resize(id, 5_GiB, {.numa = Numa::local});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().cause, Cause::host_memory);
  EXPECT_THAT(refused.error().message, HasSubstr("its NUMA node 1 has no more"));
  EXPECT_EQ(refused.error().report->outcome, Outcome::refused);
  EXPECT_FALSE(refused.error().report->numa_estimate);
  const Kib other = free_on(0);
  const auto report = resize(id, *refused.error().nearest, {.numa = Numa::local});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(free_on(0), other);
}

TEST_P(OnTwoNodes, AnyGrowthGoesOnToTheOtherNodeAsForecast) {
  const DomainId id = add({1});
  const auto plan = simulation.run(
      plan_only(simulation.port(), {.id = id, .name = "guest", .type = GetParam()}, 5_GiB, {}));
  ASSERT_TRUE(plan) << plan.error().message;
  const Kib forecast = plan.value().numa_forecast.value().local.value();
  const auto report = resize(id, 5_GiB);
  ASSERT_TRUE(report) << report.error().message;
  const Kib local = report.value().numa_estimate->local.value();
  EXPECT_GE(local, forecast);
  EXPECT_LT(local, 5_GiB - 512_MiB);
  EXPECT_LE(local - forecast, 128_MiB);
}

TEST_P(OnTwoNodes, AShrinkShowsWhereMemoryCameFree) {
  const DomainId id = add({0});
  ASSERT_TRUE(resize(id, 2_GiB));
  const auto report = resize(id, 1_GiB);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report.value().numa_estimate->local, std::nullopt);
  EXPECT_THAT(report.value().numa_estimate->changes,
              ElementsAre(NodeChange{.node = 0, .free = 1_GiB}, NodeChange{.node = 1}));
}

TEST_P(OnTwoNodes, AStatusTellsWhatAGrowthCouldTakeFromTheNode) {
  const DomainId id = add({1});
  const DomainIdentity identity{.id = id, .name = "guest", .type = GetParam()};
  const auto any = simulation.run(status_of(simulation.port(), identity, {})).value();
  const auto local =
      simulation.run(status_of(simulation.port(), identity, {.terms = {.numa = Numa::local}}))
          .value();
  ASSERT_TRUE(any.numa_forecast);
  EXPECT_THAT(any.numa_forecast->nodes, ElementsAre(1));
  EXPECT_LT(*any.numa_forecast->local, any.range->largest.size - any.size);
  EXPECT_EQ(*local.numa_forecast->local, local.range->largest.size - local.size);
  EXPECT_LE(*any.numa_forecast->local, *local.numa_forecast->local);
}

}  // namespace
}  // namespace memctl::resize
