// SPDX-License-Identifier: LGPL-2.1-or-later
#include "characters.hpp"

#include <gtest/gtest.h>

#include "show_size.hpp"

namespace memctl::cli {
namespace {

TEST(Characters, WhatSteersATerminalDoesNotReachIt) {
  EXPECT_EQ(printable("a\x1b[2Jb\nc\x7f"), "a?[2Jb c?");
  EXPECT_EQ(printable("a\xc2\x9b"
                      "31m\xc3\xa4"),
            "a?31m\xc3\xa4");
  EXPECT_EQ(printable("a\u202e\u200b\u2066\u2028\ufeffb"), "a?????b");
}

TEST(Characters, BytesThatAreNotUtf8DoNotReachTheTerminal) {
  EXPECT_EQ(printable("\x9b\xff\xc3"), "???");
  EXPECT_EQ(printable("\xc3("), "?(");
  EXPECT_EQ(printable("\xc0\xaf"), "??") << "two bytes for what needs one";
  EXPECT_EQ(printable("\xed\xa0\x80"), "???") << "half of a pair of UTF-16";
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "????") << "past the last character";
  EXPECT_EQ(printable("\xf0\x9f\x90\xa7"), "\xf0\x9f\x90\xa7");
}

TEST(Characters, ATextIsCutAtACharacterAndMarked) {
  EXPECT_EQ(columns_of("\xc3\xa4\xc3\xb6"), 2U);
  EXPECT_EQ(cut_to("web1", 4, "~"), "web1");
  EXPECT_EQ(cut_to("web12", 4, "~"), "web~");
  EXPECT_EQ(cut_to("\xc3\xa4\xc3\xb6\xc3\xbc", 2, "\u2026"), "\xc3\xa4\u2026");
  EXPECT_EQ(cut_to("web1", 1, "~"), "~");
  EXPECT_EQ(cut_to("web1", 0, "~"), "");
}

TEST(ShowSize, ColumnsAreInWholeMib) {
  EXPECT_EQ(show_size(1_GiB, SizeUnit::mib), "1024");
  EXPECT_EQ(show_size(2_MiB + 300_KiB, SizeUnit::mib), "2");
  EXPECT_EQ(show_size(160_MiB + 600_KiB, SizeUnit::mib), "161");
  EXPECT_EQ(show_size(-160_MiB - 600_KiB, SizeUnit::mib), "-161");
  EXPECT_EQ(show_size(160_MiB + 600_KiB, SizeUnit::mib, Rounding::down), "160");
  EXPECT_EQ(show_size(160_MiB + 4_KiB, SizeUnit::mib, Rounding::up), "161");
}

TEST(ShowSize, BytesAreExact) {
  EXPECT_EQ(show_size(1_KiB, SizeUnit::bytes), "1024");
  EXPECT_EQ(show_size(4_GiB + 4_KiB, SizeUnit::bytes, Rounding::up), "4294971392");
}

TEST(ShowSize, TheHumanFormHasALetterAndNoDecimals) {
  EXPECT_EQ(show_size(4_GiB, SizeUnit::human), "4G");
  EXPECT_EQ(show_size(1536_MiB, SizeUnit::human), "1536M");
  EXPECT_EQ(show_size(2_TiB, SizeUnit::human), "2T");
  EXPECT_EQ(show_size(Kib{}, SizeUnit::human), "0M");
}

}  // namespace
}  // namespace memctl::cli
