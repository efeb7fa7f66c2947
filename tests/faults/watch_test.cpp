// SPDX-License-Identifier: LGPL-2.1-or-later
//
// xenstore's watches that fire twice, late, or not at all.
#include <gtest/gtest.h>

#include <chrono>

#include "course.hpp"

namespace memctl::faults {
namespace {

using host::sim::FaultPlan;
using host::sim::WatchConduct;
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
    } else {
      EXPECT_TRUE(ended) << ended.error().message;
      expect_sound(patient, 10s);
      EXPECT_EQ(patient.state(), after);
    }
  }
}

TEST_P(Watches, ThatNeverFireAreTakenForAnAgentThatDoesNotAnswer) {
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
