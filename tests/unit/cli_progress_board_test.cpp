// SPDX-License-Identifier: LGPL-2.1-or-later
#include "progress_board.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "characters.hpp"

namespace memctl::cli {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr ProgressBar::Style plain{.live = true};

Event half_way(std::chrono::milliseconds elapsed = 2s) {
  return {Phase::populate, 1, 1_GiB, 3_GiB, 2_GiB, elapsed};
}

/// The lines that a text leaves on the screen below the cursor's place.
std::vector<std::string> lines_of(std::string text) {
  if (const auto end = text.rfind("\x1b[J"); end != std::string::npos) text.erase(0, end + 3);
  if (text.starts_with(hide_cursor)) text.erase(0, hide_cursor.size());
  std::vector<std::string> lines;
  for (std::size_t end = 0; (end = text.find('\n')) != std::string::npos; text.erase(0, end + 1)) {
    lines.push_back(text.substr(0, end));
  }
  return lines;
}

TEST(ProgressBoard, HasALineForEachThatGoesOn) {
  ProgressBoard board{plain, {"web1", "database"}};
  board.show(0, half_way());
  EXPECT_THAT(lines_of(board.draw(500ms, {})),
              testing::ElementsAre("web1      populate   [============             ]  50%  2048 of "
                                   "3072 MiB  500 ms",
                                   "database  facts       500 ms"));
  board.end(0);
  const std::string next = board.draw(0ms, {});
  EXPECT_THAT(next, StartsWith("\r\x1b[2A\x1b[J"));
  EXPECT_EQ(lines_of(next).size(), 1U);
}

TEST(ProgressBoard, FitsEveryTerminal) {
  ProgressBoard board{plain, std::vector<std::string>(1000, std::string(200, 'n') + "\x1b")};
  for (std::size_t each = 0; each < 1000; ++each) board.show(each, half_way());
  for (const int columns : {1, 2, 20, 40, 80, 200}) {
    for (const int rows : {1, 3, 24}) {
      const auto lines = lines_of(board.draw(0ms, {columns, rows}));
      EXPECT_LE(lines.size(), static_cast<std::size_t>(std::max(rows - 1, 2)));
      for (const std::string& line : lines) {
        EXPECT_LE(columns_of(line), static_cast<std::size_t>(columns)) << line;
      }
    }
  }
  EXPECT_EQ(lines_of(board.draw(0ms, {80, 24})).back(), "and 978 more");
}

TEST(ProgressBoard, TheCursorIsHiddenOnceAndGivenBack) {
  ProgressBoard board{plain, {"web1"}};
  EXPECT_THAT(board.draw(0ms, {}), HasSubstr(std::string{hide_cursor}));
  EXPECT_THAT(board.draw(0ms, {}), Not(HasSubstr(std::string{hide_cursor})));
  EXPECT_THAT(board.finish(), testing::EndsWith(std::string{show_cursor}));
  EXPECT_EQ(board.finish(), "");
}

}  // namespace
}  // namespace memctl::cli
