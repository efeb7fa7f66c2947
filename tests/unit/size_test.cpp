// SPDX-License-Identifier: LGPL-2.1-or-later
#include "memctl/size.hpp"

#include <gtest/gtest.h>

#include <string>

namespace memctl {
namespace {

TEST(ParseSize, ReadsWhatXlReads) {
  EXPECT_EQ(parse_size("512").value(), SizeRequest{512_MiB});
  EXPECT_EQ(parse_size("512m").value(), SizeRequest{512_MiB});
  EXPECT_EQ(parse_size("4g").value(), SizeRequest{4_GiB});
  EXPECT_EQ(parse_size("1t").value(), SizeRequest{1_TiB});
  EXPECT_EQ(parse_size("2048k").value(), SizeRequest{2_MiB});
}

TEST(ParseSize, ReadsLongSuffixesInAnyCase) {
  EXPECT_EQ(parse_size("4GiB").value(), SizeRequest{4_GiB});
  EXPECT_EQ(parse_size("4gib").value(), SizeRequest{4_GiB});
  EXPECT_EQ(parse_size("4G").value(), SizeRequest{4_GiB});
}

TEST(ParseSize, ASignMakesItRelative) {
  EXPECT_EQ(parse_size("+1g").value(), SizeRequest::relative(1_GiB));
  EXPECT_EQ(parse_size("+512").value(), SizeRequest::relative(512_MiB));
  EXPECT_EQ(parse_size("-512m").value(), SizeRequest::relative(-512_MiB));
}

class BadSize : public testing::TestWithParam<const char*> {};

TEST_P(BadSize, IsRefusedInOneLineWithTheAcceptedForms) {
  const auto result = parse_size(GetParam());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().cause, Cause::invalid_size);
  EXPECT_EQ(result.error().message.find('\n'), std::string::npos);
  EXPECT_NE(result.error().advice().find("4g"), std::string_view::npos);
}

INSTANTIATE_TEST_SUITE_P(Inputs, BadSize,
                         testing::Values("", "0", "-0", "+0", "0g", "-1", "-512", "12x", "x",
                                         "1.5g", "--1", "+-1", " 1", "1  g", "1gb", "99999999t",
                                         "99999999999999999999", "9223372036854775807",
                                         "9223372036854775807t", "0x10", "1\n", "g", "+"));

TEST(ParseSize, AUnitWithTwoMeaningsIsRefusedAndToldWhy) {
  for (const char* text : {"1kb", "1MB", "17Gb", "2 TB"}) {
    EXPECT_EQ(
        parse_size(text).error().message,
        "\"" + std::string{text} + "\" is not a size: KB, MB, GB and TB each have two meanings");
  }
  for (const char* text : {"1b", "1bb", "1xb"}) {
    EXPECT_TRUE(parse_size(text).error().message.ends_with("is not a size")) << text;
  }
}

TEST(SizeText, ReadsBackToTheSameSize) {
  for (const Kib size : {1_KiB, 513_KiB, 160_MiB, 1025_MiB, 1_GiB, 3_TiB}) {
    EXPECT_EQ(parse_size(to_string(size)).value(), SizeRequest{size}) << to_string(size);
  }
  EXPECT_EQ(to_string(Kib{}), "0 MiB");
  EXPECT_EQ(to_string(1_GiB), "1024 MiB");
  EXPECT_EQ(to_string(1536_MiB), "1536 MiB");
}

}  // namespace
}  // namespace memctl
