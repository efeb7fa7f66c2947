// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Guests that move their memory so slowly that nobody should wait for them.
#include <gmock/gmock.h>

#include <chrono>
#include <string>
#include <utility>

#include "operation_fixture.hpp"
#include "resize/headway.hpp"

namespace memctl::resize {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

constexpr Kib a_page_in_four_seconds = 1_KiB;

TEST(LeastProgress, IsA64thOfTheWayAndAtLeastAPage) {
  EXPECT_EQ(least_progress(4_KiB, 30s), 4_KiB);
  EXPECT_EQ(least_progress(128_MiB, 30s), 2_MiB);
  EXPECT_EQ(least_progress(16_GiB, 30s), 256_MiB);
  EXPECT_EQ(longest_time(16_GiB, 30s), 32min);
}

TEST(LeastProgress, IsNeverMoreThanAGibAMinute) {
  EXPECT_EQ(least_progress(4_TiB, 1min), 1_GiB);
  EXPECT_EQ(least_progress(16_GiB, 3s), 1_GiB / 20);
  EXPECT_EQ(longest_time(4_TiB, 1min), 4096min);
}

TEST(LeastProgress, KnowsStallTimesOfCenturies) {
  const std::chrono::milliseconds longest{1'000'000'000'000};
  EXPECT_EQ(least_progress(64_GiB, longest), 1_GiB);
  EXPECT_GT(longest_time(64_GiB, longest), std::chrono::hours{24});
  EXPECT_LT(longest_time(64_GiB, longest), std::chrono::hours{24 * 366 * 65});
}

class SlowGuest : public OperationOnSim {
 protected:
  void slow_down(DomainId id, Kib per_second) {
    simulation.world.guest(id).kernel().spec().populated_per_second = per_second;
  }
};

INSTANTIATE_TEST_SUITE_P(Types, SlowGuest, testing::Values(DomainType::pv, DomainType::pvh),
                         [](const auto& type) { return std::string{name(type.param)}; });

TEST_P(SlowGuest, ThatTakesAPageNowAndThenStalls) {
  const DomainId id = add({.linux = {.populated_per_second = a_page_in_four_seconds}});
  const Limits before = limits(id);
  const auto begun = simulation.now();
  const auto report = resize(id, 1_GiB);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::stalled);
  EXPECT_THAT(report.error().message, HasSubstr(": on the way to 1024 MiB only "));
  EXPECT_THAT(report.error().message, HasSubstr(" KiB moved in 30 s, with "));
  EXPECT_EQ(report.error().report->outcome, Outcome::restored);
  EXPECT_LT(simulation.now() - begun, 2min);
  EXPECT_EQ(limits(id).target, before.target);
  EXPECT_EQ(limits(id).limit, before.limit);
}

TEST_P(SlowGuest, ThatGivesAPageNowAndThenStalls) {
  const DomainId id = add();
  ASSERT_TRUE(resize(id, 2_GiB));
  slow_down(id, a_page_in_four_seconds);
  const auto begun = simulation.now();
  const auto report = resize(id, 1_GiB);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::stalled);
  EXPECT_THAT(report.error().message, HasSubstr(" KiB moved in 30 s, with "));
  EXPECT_LT(simulation.now() - begun, 2min);
  EXPECT_FALSE(journal_stands(id));
}

TEST_P(SlowGuest, WhoseAgentIsSilentAsWellIsToldForThat) {
  const DomainId id = add();
  simulation.world.after(100ms, [&] {
    slow_down(id, a_page_in_four_seconds);
    simulation.world.guest(id).agent().kill();
  });
  const auto report = resize(id, 8_GiB);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::agent_absent);
  EXPECT_THAT(report.error().message, HasSubstr(" KiB moved in 30 s, with "));
  EXPECT_THAT(report.error().message, HasSubstr("; memctl-agent stopped answering"));
}

TEST_P(SlowGuest, DoesNotHoldAResizeThatWasCancelled) {
  const DomainId id = add();
  ResizeOperation operation{simulation.port(), identity(id), 8_GiB, {.timeout = 10s}};
  simulation.world.after(500ms, [&] {
    slow_down(id, a_page_in_four_seconds);
    operation.cancel();
  });
  const auto begun = simulation.now();
  const auto report = simulation.run(operation.run());
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::cancelled);
  EXPECT_THAT(report.error().message, HasSubstr("cancelled; restoring stopped: "));
  EXPECT_THAT(report.error().message, HasSubstr(" moved in 30 s, with "));
  const Report& left = *report.error().report;
  EXPECT_EQ(left.outcome, Outcome::kept);
  EXPECT_LT(simulation.now() - begun, 2min);
  EXPECT_EQ(simulation.world.target(id), left.reached);
  EXPECT_EQ(simulation.world.limit(id), left.limit);
  EXPECT_EQ(simulation.world.host_claimed(), Kib{});
  EXPECT_FALSE(journal_stands(id));
}

TEST_P(SlowGuest, ThatKeepsThePaceOfEachStageStillHasToArrive) {
  // Its few free MiB describe a part of the way at a time, and movable memory pays for no more.
  const DomainId id = add({.linux = {.online_policy = "online_movable",
                                     .kernel_free = 14_MiB,
                                     .populated_per_second = 220_KiB}});
  const auto begun = simulation.now();
  const auto report = resize(id, 640_MiB, {.online = OnlineZone::movable, .force_movable = true});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::stalled);
  EXPECT_THAT(report.error().message, HasSubstr(" s the guest was still on the way to 640 MiB"));
  EXPECT_LT(simulation.now() - begun, 2 * longest_time(640_MiB, 30s));
}

TEST_P(SlowGuest, ThatStandsStillWhileItAddsMuchMemoryIsWaitedFor) {
  const DomainId id = add({.memory = 1_GiB});
  auto& guest = simulation.world.guest(id);
  bool stood_still = false;
  const auto stand_still = [&](const Event& event) {
    const bool adds =
        event.phase == Phase::online && event.now > event.from && event.now < event.to;
    if (!adds || std::exchange(stood_still, true)) return;
    guest.freeze();
    simulation.world.after(12s, [&] { guest.thaw(); });
  };
  const auto began = simulation.now();
  const auto grown = resize(id, 5_GiB, {.on_event = stand_still});
  EXPECT_TRUE(stood_still);
  ASSERT_TRUE(grown) << grown.error().message;
  EXPECT_EQ(grown.value().outcome, Outcome::verified);
  EXPECT_GT(simulation.now() - began, 12s);
}

TEST_P(SlowGuest, ThatKeepsThePaceIsWaitedFor) {
  const DomainId id = add({.linux = {.populated_per_second = 1_MiB}});
  const auto report = resize(id, 512_MiB);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_GT(report.value().elapsed, 5min);
}

}  // namespace
}  // namespace memctl::resize
