// SPDX-License-Identifier: LGPL-2.1-or-later
#include "text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli_fixture.hpp"

namespace memctl::cli {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

Report grown() {
  return {.outcome = Outcome::verified,
          .domain = web1,
          .from = 160_MiB,
          .requested = 1_GiB,
          .reached = 1_GiB,
          .guest_total = 1003_MiB,
          .limit = 1_GiB,
          .stages = 2,
          .elapsed = 2143ms,
          .verified = {true, true, true}};
}

TEST(Text, Durations) {
  EXPECT_EQ(show_duration(0ms), "0 ms");
  EXPECT_EQ(show_duration(999ms), "999 ms");
  EXPECT_EQ(show_duration(2143ms), "2.1 s");
  EXPECT_EQ(show_duration(59'999ms), "59.9 s");
  EXPECT_EQ(show_duration(65'000ms), "1 min 05 s");
}

TEST(Text, SuccessNamesAllThreeLayers) {
  EXPECT_EQ(success_text(grown()),
            "web1: 160 MiB -> 1024 MiB in 2.1 s; verified: Xen 1024 MiB, all blocks online, guest "
            "MemTotal 1003 MiB\n");
}

TEST(Text, SuccessWithoutAnAgentSaysThatTheGuestWasNotAsked) {
  Report report = grown();
  report.verified = {true, false, false};
  report.guest_total.reset();
  EXPECT_EQ(
      success_text(report),
      "web1: 160 MiB -> 1024 MiB in 2.1 s; verified: Xen 1024 MiB; the guest was not asked\n");
}

TEST(Text, AShrinkSaysNothingOfBlocksAndTellsWhatStays) {
  Report report = grown();
  report.from = 2_GiB;
  report.residual = 16_MiB;
  EXPECT_THAT(success_text(report), Not(HasSubstr("all blocks")));
  EXPECT_THAT(success_text(report),
              HasSubstr("\n  web1 keeps 16 MiB of bookkeeping for the added blocks"));
}

TEST(Text, SuccessTellsWhereTheMemoryOfAGrowthCameFrom) {
  Report report = grown();
  const auto estimate = [&report](NumaEstimate made) {
    report.numa_estimate = std::make_shared<const NumaEstimate>(std::move(made));
  };
  estimate({.nodes = {1}, .local = 864_MiB});
  EXPECT_THAT(success_text(report),
              HasSubstr("\n  numa: 864 MiB came from its own node 1 (an estimate)\n"));
  estimate({.nodes = {0, 2, 3}, .local = 864_MiB - 4_KiB});
  EXPECT_THAT(success_text(report), HasSubstr("\n  numa: 863 MiB came from its own "
                                              "nodes 0, 2 and 3 (an estimate)\n"));
  estimate({.nodes = {1}});
  EXPECT_THAT(success_text(report), Not(HasSubstr("numa")));
}

TEST(Text, ARefusalNamesCauseRangeAndHint) {
  const Ending ending{
      Error{.cause = Cause::host_memory,
            .message = "the host has 2060 MiB to give",
            .hint = "ask for less",
            .range = std::make_shared<const SizeRange>(
                SizeRange{.smallest = {.size = 94924_KiB}, .largest = {.size = 1900_MiB + 4_KiB}}),
            .raw = -3,
            .log = {"libxl: one", "libxl: two"}},
      web1, 8_GiB};
  EXPECT_EQ(failure_text(ending, false),
            "memctl: the host has 2060 MiB to give (host_memory)\n"
            "  possible now: 93 MiB to 1900 MiB\n"
            "  hint: ask for less\n");
  EXPECT_THAT(failure_text(ending, true), HasSubstr("  raw code: -3\n  log: libxl: one\n"));
}

TEST(Text, AFailureSaysWhatTheDomainHasNow) {
  Report report = grown();
  report.reached = 288_MiB;
  const auto text = [&](Outcome outcome) {
    report.outcome = outcome;
    Error error{.cause = Cause::stalled, .message = "no progress for 30 s"};
    error.report = std::make_shared<const Report>(report);
    return failure_text(Ending{error, web1, std::nullopt}, false);
  };
  EXPECT_THAT(text(Outcome::restored), HasSubstr("\n  restored: 288 MiB, limit 1024 MiB\n"));
  EXPECT_THAT(text(Outcome::kept), HasSubstr("\n  kept: 288 MiB, limit 1024 MiB\n"));
  EXPECT_THAT(text(Outcome::superseded), HasSubstr("\n  left to the other tool: 288 MiB"));
  EXPECT_THAT(text(Outcome::failed),
              HasSubstr("\n  left: 288 MiB, limit 1024 MiB (it was 160 MiB)"));
}

TEST(Text, NothingIsLeftInAGuestThatIsGone) {
  Error error{.cause = Cause::domain_gone, .message = "the domain has gone", .hint = "none"};
  error.report = std::make_shared<const Report>(
      Report{.outcome = Outcome::gone, .domain = web1, .residual = 16_MiB});
  EXPECT_EQ(failure_text(Ending{error, web1, std::nullopt}, false),
            "memctl: the domain has gone (domain_gone)\n  hint: none\n");
}

TEST(Text, ARecoverySaysWhatBecameOfTheResize) {
  EXPECT_EQ(recovery_text({}, web1), "web1: nothing was left behind\n");
  EXPECT_EQ(recovery_text({.unknown_claim = 100_MiB}, web1),
            "web1: 100 MiB are claimed for it by no operation of memctl's, and are left alone\n"
            "  hint: memctl doctor tells more\n");
  Report report{
      .outcome = Outcome::restored, .requested = 4_GiB, .reached = 160_MiB, .limit = 512_MiB};
  EXPECT_EQ(recovery_text({.report = report}, web1),
            "web1: restored after an unfinished resize to 4096 MiB: 160 MiB, limit 512 MiB\n");
  report.outcome = Outcome::kept;
  EXPECT_EQ(recovery_text({.report = report}, web1),
            "web1: an unfinished resize to 4096 MiB is kept, as it had asked: 160 "
            "MiB, limit 512 MiB\n");
  report.cause = Cause::agent_absent;
  report.message = "no\nagent";
  report.hint = "start it";
  EXPECT_EQ(
      recovery_text({.report = report}, web1),
      "web1: restored in part after an unfinished resize to 4096 MiB: 160 MiB, limit 512 MiB\n"
      "  no agent (agent_absent)\n  hint: start it\n");
}

TEST(Text, APlanIsATableOfStages) {
  Plan plan{.domain = web1,
            .from = 160_MiB,
            .to = 1_GiB,
            .limit = 1_GiB,
            .earlier_limit = 512_MiB,
            .pool = 16_MiB,
            .pool_growth = 14_MiB,
            .stored_pool = 18_MiB,
            .host_free = 2060_MiB,
            .host_reserve = 64_MiB,
            .stages = {{288_MiB, 1, 2_MiB, 128_MiB}, {1_GiB, 6, 12_MiB, 736_MiB}},
            .range = {.smallest = {.size = 93_MiB},
                      .largest = {.size = 6304_MiB},
                      .step = 2_GiB,
                      .step_from = 160_MiB}};
  EXPECT_EQ(plan_text(plan),
            "web1: 160 MiB -> 1024 MiB, limit 512 MiB -> 1024 MiB\n"
            "  STAGE      SIZE  BLOCKS  MEMMAP  HOST MEMORY\n"
            "      1   288 MiB       1   2 MiB      128 MiB\n"
            "      2  1024 MiB       6  12 MiB      736 MiB\n"
            "  paging pool: 16 MiB, 14 MiB more of the host's memory\n"
            "  stored paging pool: 18 MiB, for the next restore or reboot\n"
            "  host: 2060 MiB free, 64 MiB of it left free\n"
            "  possible now: 93 MiB to 6304 MiB, above 160 MiB in steps of 2048 MiB\n");
  plan.numa_forecast = NumaForecast{.nodes = {1}, .local = 512_MiB + 4_KiB};
  EXPECT_THAT(plan_text(plan),
              HasSubstr("\n  numa: 512 MiB of 864 MiB would come from its own node 1 (a forecast)\n"
                        "  possible now: "));
  plan.numa_forecast->local = 864_MiB;
  EXPECT_THAT(plan_text(plan), HasSubstr("\n  numa: all of it would come from its own node 1 "));
  plan.numa_forecast->local.reset();
  EXPECT_THAT(plan_text(plan), HasSubstr("\n  numa: it is not known which nodes"));
  plan.numa_forecast.reset();
  plan.no_way_back = "no way back to 2048 MiB: its balloon\nis odd";
  EXPECT_THAT(plan_text(plan),
              testing::EndsWith("in steps of 2048 MiB\n"
                                "  no way back to 2048 MiB: its balloon is odd\n"));
}

}  // namespace
}  // namespace memctl::cli
