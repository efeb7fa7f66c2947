// SPDX-License-Identifier: LGPL-2.1-or-later
#include "resize/progress.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "host/sim/clock.hpp"

namespace memctl::resize {
namespace {

using namespace std::chrono_literals;

class ProgressOfAResize : public testing::Test {
 protected:
  [[nodiscard]] int told_since(std::size_t before) const {
    return static_cast<int>(told.size() - before);
  }
  host::sim::VirtualClock clock{};
  std::vector<Event> told{};
  Progress progress{clock, [this](const Event& event) { told.push_back(event); }};
};

TEST_F(ProgressOfAResize, TellsBeginAndEndOfAPhaseAndAFigureEvery50Milliseconds) {
  progress.begin(Phase::populate, 1, 1_GiB, 2_GiB);
  for (int each = 1; each < 100; ++each) {
    clock.advance(1ms);
    progress.advance(1_GiB + 1_MiB * each);
  }
  progress.advance(2_GiB);
  ASSERT_EQ(told.size(), 3U);
  EXPECT_EQ(told[0].now, 1_GiB);
  EXPECT_EQ(told[1].now, 1_GiB + 50_MiB);
  EXPECT_EQ(told[2].now, 2_GiB);
}

TEST_F(ProgressOfAResize, OfAFigureThatSwaysAroundTheEndTellsAFewDozenASecond) {
  progress.begin(Phase::online, 1, 1_GiB, 2_GiB);
  for (int each = 0; each < 10'000; ++each) {
    clock.advance(1ms);
    progress.advance(each % 2 == 0 ? 2_GiB : 1_GiB);
  }
  EXPECT_LE(told.size(), 10U * 40U + 40U);
  EXPECT_GE(told.size(), 10U * 20U) << "it goes on telling";
}

TEST_F(ProgressOfAResize, OfStagesThatFollowEachOtherFastTellsAFewDozenASecondAndAllOtherPhases) {
  progress.begin(Phase::reserve, 0, 1_GiB, 2_GiB);
  progress.advance(2_GiB);
  for (int stage = 1; stage <= 1000; ++stage) {
    clock.advance(5ms);
    progress.begin(Phase::populate, stage, 1_GiB, 1_GiB + 4_MiB);
    progress.advance(1_GiB + 4_MiB);
  }
  EXPECT_LE(told.size(), 2U + 5U * 40U + 40U);
  progress.begin(Phase::restore, 0, 2_GiB, 1_GiB);
  progress.advance(1_GiB);
  EXPECT_EQ(told[told.size() - 2].phase, Phase::restore);
  EXPECT_EQ(told.back().now, 1_GiB);
}

TEST_F(ProgressOfAResize, OfAnHonestResizeInManyStagesTellsAllOfThem) {
  for (int stage = 1; stage <= 16; ++stage) {
    const auto before = told.size();
    progress.begin(Phase::online, stage, 1_GiB, 2_GiB);
    clock.advance(60ms);
    progress.advance(2_GiB);
    progress.begin(Phase::populate, stage, 1_GiB, 2_GiB);
    clock.advance(60ms);
    progress.advance(2_GiB);
    EXPECT_EQ(told_since(before), 4) << stage;
  }
}

}  // namespace
}  // namespace memctl::resize
