// SPDX-License-Identifier: LGPL-2.1-or-later
#include "progress_bar.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "characters.hpp"

namespace memctl::cli {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

Event populate(Kib now, std::chrono::milliseconds elapsed = 2s) {
  return {Phase::populate, 1, 160_MiB, 1_GiB, now, elapsed};
}

std::string without_escapes(const std::string& text) {
  return std::regex_replace(text, std::regex{"\r|\x1b\\[[0-9;?]*[A-Za-z]"}, "");
}

TEST(ProgressBar, ShowsHowFarThePhaseIs) {
  ProgressBar bar{{.live = true}};
  static_cast<void>(bar.show(populate(160_MiB, 1s), 80));
  EXPECT_EQ(without_escapes(bar.show(populate(592_MiB, 2s), 80)),
            "  populate   [=================                  ]  50%  592 of 1024 MiB  1.0 s");
}

TEST(ProgressBar, AShrinkShowsItsGoal) {
  ProgressBar bar{{.live = true}};
  static_cast<void>(bar.show({Phase::populate, 1, 1_GiB, 160_MiB, 1_GiB, 1s}, 80));
  EXPECT_EQ(without_escapes(bar.show({Phase::populate, 1, 1_GiB, 160_MiB, 592_MiB, 2s}, 80)),
            "  populate   [==================                  ]  50%  592 -> 160 MiB  1.0 s");
}

TEST(ProgressBar, UsesHeavyLinesIfTheLocaleHasThem) {
  ProgressBar bar{{.live = true, .utf8 = true}};
  const std::string line = without_escapes(bar.show(populate(592_MiB), 60));
  EXPECT_THAT(line, HasSubstr("\u2501\u2501\u2500"));
  EXPECT_LT(columns_of(line), 60U);
}

TEST(ProgressBar, FitsEveryWidth) {
  for (const bool utf8 : {false, true}) {
    for (int columns = 1; columns <= 200; ++columns) {
      ProgressBar bar{{.live = true, .utf8 = utf8, .colour = true}};
      const std::string line = without_escapes(bar.show(populate(1000_MiB), columns));
      ASSERT_LT(columns_of(line), static_cast<std::size_t>(columns)) << line;
    }
  }
  ProgressBar narrow{{.live = true}};
  EXPECT_EQ(without_escapes(narrow.show(populate(592_MiB), 20)), "  populate    50%");
}

TEST(ProgressBar, AnEndedPhaseLeavesALine) {
  ProgressBar bar{{.live = true}};
  static_cast<void>(bar.show({.phase = Phase::facts}, 80));
  static_cast<void>(bar.show({.phase = Phase::reserve, .elapsed = 4ms}, 80));
  static_cast<void>(bar.show(populate(160_MiB, 10ms), 80));
  const std::string next = bar.show({.phase = Phase::verify, .elapsed = 2s}, 80);
  EXPECT_THAT(without_escapes(next), HasSubstr("ok   populate   160 MiB -> 1024 MiB  1.9 s\n"));
  EXPECT_THAT(without_escapes(bar.finish(ProgressBar::End::done, 2010ms)),
              HasSubstr("ok   verify     10 ms\n"));
}

TEST(ProgressBar, TheCursorIsHiddenOnceAndGivenBack) {
  ProgressBar bar{{.live = true}};
  EXPECT_THAT(bar.show(populate(200_MiB), 80), HasSubstr("\x1b[?25l"));
  EXPECT_THAT(bar.show(populate(300_MiB), 80), Not(HasSubstr("\x1b[?25l")));
  EXPECT_TRUE(bar.finish(ProgressBar::End::failed, 3s).ends_with("\x1b[?25h"));
}

TEST(ProgressBar, AFailedPhaseIsMarkedBeforeItIsRestored) {
  ProgressBar bar{{.live = false}};
  EXPECT_EQ(bar.show(populate(288_MiB, 0ms), 80), "");
  EXPECT_EQ(bar.show({Phase::restore, 0, 288_MiB, 160_MiB, 288_MiB, 5s}, 80),
            "FAIL populate   160 MiB -> 288 MiB  5.0 s\n");
  EXPECT_EQ(bar.finish(ProgressBar::End::done, 6s), "ok   restore    288 MiB -> 160 MiB  1.0 s\n");
}

TEST(ProgressBar, StagesAreNumberedFromTheSecondAndDoNotGoBack) {
  ProgressBar bar{{.live = false}};
  static_cast<void>(bar.show({Phase::online, 1, 160_MiB, 288_MiB, 160_MiB, 0ms}, 80));
  EXPECT_THAT(bar.show({Phase::populate, 1, 160_MiB, 288_MiB, 200_MiB, 1s}, 80),
              HasSubstr("online  "));
  EXPECT_EQ(bar.show({Phase::online, 1, 160_MiB, 288_MiB, 288_MiB, 1s}, 80), "");
  EXPECT_THAT(bar.show({Phase::online, 2, 288_MiB, 512_MiB, 288_MiB, 2s}, 80),
              HasSubstr("populate  "));
  EXPECT_THAT(bar.show({Phase::populate, 2, 288_MiB, 512_MiB, 288_MiB, 2s}, 80),
              HasSubstr("online 2 "));
}

TEST(ProgressBar, ARefusalLeavesNothingOnTheScreen) {
  ProgressBar bar{{.live = true}};
  static_cast<void>(bar.show({.phase = Phase::facts}, 80));
  EXPECT_EQ(without_escapes(bar.finish(ProgressBar::End::refused, 3ms)), "");
}

TEST(ProgressBar, TimeGoesOnWithoutEvents) {
  ProgressBar bar{{.live = true}};
  static_cast<void>(bar.show(populate(200_MiB, 1s), 80));
  EXPECT_THAT(bar.tick(1500ms, 80), HasSubstr("1.5 s"));
  EXPECT_THAT(bar.tick(2s, 80), HasSubstr("2.0 s"));
}

TEST(ProgressBar, ColoursOnlyIfTheyAreWanted) {
  ProgressBar plain{{.live = true, .utf8 = true, .colour = false}};
  ProgressBar bright{{.live = true, .utf8 = true, .colour = true}};
  EXPECT_THAT(plain.show(populate(592_MiB), 80), Not(HasSubstr("\x1b[36m")));
  EXPECT_THAT(bright.show(populate(592_MiB), 80), HasSubstr("\x1b[36m"));
}

TEST(ProgressBar, ANoteStandsAboveTheLiveLine) {
  ProgressBar bar{{.live = true}};
  static_cast<void>(bar.show(populate(592_MiB), 80));
  EXPECT_THAT(without_escapes(bar.note("cancelling", 80)), HasSubstr("cancelling\n  populate"));
}

}  // namespace
}  // namespace memctl::cli
