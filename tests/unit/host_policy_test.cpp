// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the administrator of a host allows.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "memctl/host.hpp"
#include "simulated_host.hpp"

namespace memctl {
namespace {

TEST(Policy, TheFirstEntryThatNamesTheDomainAndHasTheBoundCounts) {
  const Policy policy{.domains = {{.name = "web1", .maximum = 8_GiB},
                                  {.name = "web*", .minimum = 1_GiB, .maximum = 4_GiB},
                                  {.name = "?b", .minimum = 2_GiB},
                                  {.name = "*", .minimum = 128_MiB}}};
  EXPECT_EQ(policy.maximum("web1"), 8_GiB);
  EXPECT_EQ(policy.minimum("web1"), 1_GiB);
  EXPECT_EQ(policy.maximum("web22"), 4_GiB);
  EXPECT_EQ(policy.maximum("web"), 4_GiB);
  EXPECT_EQ(policy.minimum("db"), 2_GiB);
  EXPECT_EQ(policy.minimum("b"), 128_MiB);
  EXPECT_EQ(policy.minimum(""), 128_MiB);
  EXPECT_EQ(policy.maximum("db"), std::nullopt);
  EXPECT_EQ(Policy{}.maximum("web1"), std::nullopt);
}

TEST(Policy, AStarStandsForAnyText) {
  const auto named = [](const std::string& pattern, const char* name) {
    return Policy{.domains = {{.name = pattern, .minimum = 1_GiB}}}.minimum(name).has_value();
  };
  EXPECT_TRUE(named("a*b*c", "abc"));
  EXPECT_TRUE(named("a*b*c", "a-b-b-bc"));
  EXPECT_TRUE(named("*-prod", "web-prod-prod"));
  EXPECT_TRUE(named("a**", "a"));
  EXPECT_FALSE(named("a*b*c", "acb"));
  EXPECT_FALSE(named("a", "ab"));
  EXPECT_FALSE(named("?", ""));
  EXPECT_FALSE(named("a?", "a"));
  EXPECT_FALSE(named(std::string(40, '*') + "x", std::string(2000, 'a').c_str()));
}

TEST(Policy, WhatCannotBeMeantIsRefusedAndNamed) {
  EXPECT_TRUE(Policy{}.check());
  EXPECT_EQ(Policy{.host_reserve = Kib{-1}}.check().error().cause, Cause::invalid_argument);
  const auto message = [](DomainPolicy entry) {
    return Policy{.domains = {std::move(entry)}}.check().error().message;
  };
  EXPECT_EQ(message({.name = "web*", .minimum = 2_GiB, .maximum = 1_GiB}),
            "the policy of \"web*\" has a minimum of 2048 MiB above its maximum of 1024 MiB");
  EXPECT_EQ(message({.name = "a", .maximum = Kib{-4}}), "the policy of \"a\" has a negative bound");
  EXPECT_EQ(message({.minimum = 1_GiB}), "the policy has an entry without a name");
}

TEST_F(SimulatedHost, APolicyIsAskedBeforeAnythingIsTouched) {
  const Policy policy{.domains = {{.name = "g0", .minimum = 150_MiB, .maximum = 512_MiB}}};
  const Host host = Host::open(uri(), {.policy = policy}).value();
  const Domain domain = host.domain("g0").value();
  const DomainStatus before = domain.status().value();
  EXPECT_EQ(before.range->largest.size, 512_MiB);
  EXPECT_EQ(before.range->largest.cause, Cause::above_policy);
  EXPECT_EQ(host.status_all().value().front().result.value().range->largest.size, 512_MiB);

  const auto grown = domain.resize(1_GiB).wait();
  ASSERT_FALSE(grown);
  EXPECT_EQ(grown.error().cause, Cause::above_policy);
  EXPECT_EQ(grown.error().nearest, 512_MiB);
  EXPECT_EQ(grown.error().report->outcome, Outcome::refused);
  EXPECT_EQ(domain.plan_resize(1_GiB).error().cause, Cause::above_policy);
  EXPECT_EQ(domain.resize(149_MiB).wait().error().cause, Cause::below_policy);
  const DomainStatus after = domain.status().value();
  EXPECT_EQ(after.target, before.target);
  EXPECT_EQ(after.limit, before.limit);
  EXPECT_EQ(after.max_pages, before.max_pages);

  EXPECT_TRUE(domain.resize(512_MiB).wait()) << "the bound itself is allowed";
  EXPECT_TRUE(host.domain("g1").value().resize(1_GiB).wait()) << "it has no bounds";
}

TEST_F(SimulatedHost, APolicyAppliesToWhatBeginsAfterItWasSet) {
  const Host host = Host::open(uri()).value();
  const Domain domain = host.domain("g0").value();
  EXPECT_TRUE(host.set_policy({.domains = {{.name = "*", .maximum = 512_MiB}}}));
  EXPECT_EQ(domain.resize(1_GiB).wait().error().cause, Cause::above_policy);
  EXPECT_EQ(host.set_policy({.domains = {{.name = ""}}}).error().cause, Cause::invalid_argument);
  EXPECT_EQ(domain.resize(1_GiB).wait().error().cause, Cause::above_policy) << "it stays";
  EXPECT_TRUE(host.set_policy({}));
  EXPECT_TRUE(domain.resize(1_GiB).wait());
  EXPECT_TRUE(host.set_policy({.domains = {{.name = "*", .maximum = 512_MiB}}}));
  EXPECT_TRUE(domain.resize(900_MiB).wait()) << "above the maximum, but nearer to it";
}

TEST_F(SimulatedHost, ThePolicysReserveStaysFreeAlsoIfACallAsksForLess) {
  const Host host = Host::open(uri(), {.policy = {.host_reserve = 20_GiB}}).value();
  const Domain domain = host.domain("g0").value();
  EXPECT_EQ(domain.plan_resize(512_MiB, {.host_reserve = 4_KiB}).value().host_reserve, 20_GiB);
  EXPECT_EQ(domain.plan_resize(512_MiB, {.host_reserve = 21_GiB}).value().host_reserve, 21_GiB);
  EXPECT_EQ(domain.resize(8_GiB, {.host_reserve = 4_KiB}).wait().error().cause, Cause::host_memory);
  const std::vector<Finding> findings = host.doctor({.host_reserve = 4_KiB}).value();
  for (const Finding& finding : findings) {
    if (finding.check != Check::host_reserve) continue;
    EXPECT_NE(finding.message.find("20480 MiB"), std::string::npos) << finding.message;
  }
}

TEST_F(SimulatedHost, APolicyOfLocalMemoryCountsForEachCall) {
  write_text(
      R"({"host":"8GiB","numa_nodes":2,
          "guests":[{"type":"pv","name":"g0","memory":"1GiB","numa_nodes":[1]}]})");
  const Host host = Host::open(uri()).value();
  const Domain domain = host.domain("g0").value();
  const Kib largest = domain.status().value().range->largest.size;
  EXPECT_GT(largest, 6_GiB);
  EXPECT_TRUE(domain.plan_resize(5_GiB));
  EXPECT_EQ(domain.plan_resize(5_GiB, {.numa = Numa::local}).error().cause, Cause::host_memory);
  EXPECT_TRUE(host.set_policy({.numa = Numa::local}));
  EXPECT_EQ(domain.plan_resize(5_GiB).error().cause, Cause::host_memory);
  EXPECT_EQ(domain.resize(5_GiB).wait().error().cause, Cause::host_memory);
  const DomainStatus status = domain.status().value();
  EXPECT_LT(status.range->largest.size, 5_GiB);
  EXPECT_TRUE(domain.resize(status.range->largest.size).wait());
}

TEST_F(SimulatedHost, AHostWithAWrongPolicyIsNotOpened) {
  const auto opened = Host::open(uri(), {.policy = {.host_reserve = Kib{-1}}});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().cause, Cause::invalid_argument);
}

}  // namespace
}  // namespace memctl
