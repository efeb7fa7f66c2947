// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/pace.hpp"

#include <gtest/gtest.h>

namespace memctl {
namespace {

using namespace std::chrono_literals;

TEST(Pace, LetsWhatIsRareHappenAtOnce) {
  Pace pace{20ms, 3};
  const Pace::Clock::time_point start{1h};
  for (int each = 0; each < 100; ++each) EXPECT_TRUE(pace.take(start + each * 20ms)) << each;
}

TEST(Pace, LetsSoManyHappenInARowAndThenOneInEachInterval) {
  Pace pace{20ms, 3};
  const Pace::Clock::time_point start{1h};
  for (int each = 0; each < 3; ++each) EXPECT_TRUE(pace.take(start));
  EXPECT_FALSE(pace.take(start));
  EXPECT_EQ(pace.next(), start + 20ms);
  EXPECT_FALSE(pace.take(start + 19ms));
  EXPECT_TRUE(pace.take(start + 20ms));
  EXPECT_FALSE(pace.take(start + 20ms));

  int happened = 0;
  for (auto now = start + 1s; now < start + 11s; now += 1ms) happened += pace.take(now) ? 1 : 0;
  EXPECT_EQ(happened, 3 - 1 + 500);
}

TEST(Pace, NeverSavesUpMoreThanItsBurst) {
  Pace pace{20ms, 3};
  const Pace::Clock::time_point later{100h};
  for (int each = 0; each < 3; ++each) EXPECT_TRUE(pace.take(later));
  EXPECT_FALSE(pace.take(later));
}

}  // namespace
}  // namespace memctl
