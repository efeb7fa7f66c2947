// SPDX-License-Identifier: LGPL-2.1-or-later
//
// xenstore's watches that fire twice, late, or not at all.
#include <gtest/gtest.h>

#include <chrono>

#include "course.hpp"

namespace memctl::faults {
namespace {

using test::FaultPlan;
using test::WatchConduct;
using namespace std::chrono_literals;

class Watches : public Course {};

INSTANTIATE_TEST_SUITE_P(Each, Watches, testing::ValuesIn(treatments()),
                         [](const auto& treatment) { return treatment.param.name; });

TEST_P(Watches, ThatFireTwiceOrLateChangeNothing) {
  for (const WatchConduct conduct : {WatchConduct::twice, WatchConduct::late}) {
    Patient patient{GetParam()};
    const auto ended = *patient.treat(FaultPlan{conduct}).report;
    if (runs_out_of_time()) {
      ASSERT_FALSE(ended);
      EXPECT_EQ(ended.error().cause, Cause::deadline) << ended.error().message;
      expect_sound(patient, 10s);
      expect_as_reported(patient, *ended.error().report);
    } else {
      EXPECT_TRUE(ended) << ended.error().message;
      expect_sound(patient, 10s);
      EXPECT_EQ(patient.state(), after);
    }
  }
}

/// If no event tells of a domain's end, the operation finds it at the next look at the page count.
/// The operation never overwrites another tool's limit, because it reads the limits before each
/// call that sets a limit.
TEST_P(Watches, ThatNeverTellOfAnEndOrOfLimitsDoNoHarm) {
  for (const host::Duration at : {50ms, 200ms, 400ms}) {
    Patient destroyed{GetParam()};
    const auto begun = destroyed.world().clock().now();
    destroyed.world().after(at, [&] { destroyed.world().destroy(destroyed.id()); });
    const auto ended = *destroyed.treat(FaultPlan{WatchConduct::never, "@releaseDomain"}).report;
    if (begun + at < destroyed.world().clock().now()) {
      ASSERT_FALSE(ended);
      EXPECT_EQ(ended.error().cause, Cause::domain_gone) << ended.error().message;
      EXPECT_LE(destroyed.world().clock().now() - begun, at + 1s);
    }

    Patient limited{GetParam()};
    limited.world().after(at,
                          [&] { ASSERT_TRUE(limited.world().write_limit(limited.id(), 5_GiB)); });
    static_cast<void>(limited.treat(FaultPlan{WatchConduct::never, "/memory"}));
    limited.world().advance(at);
    EXPECT_EQ(limited.world().limit(limited.id()), 5_GiB);
    expect_sound(limited, 61s);
  }
}

TEST_P(Watches, ThatNeverFireLookLikeAnAgentThatDoesNotAnswer) {
  Patient patient{GetParam()};
  const auto ended = *patient.treat(FaultPlan{WatchConduct::never}).report;
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().cause, Cause::agent_absent) << ended.error().message;
  EXPECT_EQ(ended.error().report->outcome, Outcome::refused);
  expect_sound(patient, 61s);
  expect_restored(patient);
}

}  // namespace
}  // namespace memctl::faults
