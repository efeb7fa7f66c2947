// SPDX-License-Identifier: LGPL-2.1-or-later
#include "configuration.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace memctl::cli {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

Configuration configured(std::string_view text) {
  const auto configuration = parse_configuration(text, "f");
  if (!configuration) {
    ADD_FAILURE() << configuration.error().message;
    return {};
  }
  return configuration.value();
}

Error wrong_line_in(std::string_view text) {
  const auto configuration = parse_configuration(text, "f");
  if (configuration) {
    ADD_FAILURE() << "was accepted: " << text;
    return {};
  }
  return configuration.error();
}

TEST(Configuration, EachKeyIsReadAndItsLineKept) {
  const Configuration read_file = configured(R"(# bounds of this host
[host]
reserve = "2GiB"

[resize]
timeout = 600
stall = 1.5
on_failure = "keep"
online = 'movable'
numa = "local"

[[domain]]
name = "web1"
maximum = "16 GiB"

[[domain]]
name = "web*"
minimum = 512
maximum = "8g"
)");
  EXPECT_TRUE(read_file.found);
  EXPECT_EQ(read_file.policy.host_reserve, 2_GiB);
  EXPECT_EQ(read_file.resize.timeout, 600s);
  EXPECT_EQ(read_file.resize.stall, 1500ms);
  EXPECT_EQ(read_file.resize.on_failure, OnFailure::keep);
  EXPECT_EQ(read_file.resize.online, OnlineZone::movable);
  EXPECT_EQ(read_file.resize.numa, Numa::local);
  EXPECT_EQ(read_file.policy.numa, Numa::any);
  EXPECT_THAT(
      read_file.policy.domains,
      testing::ElementsAre(DomainPolicy{.name = "web1", .maximum = 16_GiB},
                           DomainPolicy{.name = "web*", .minimum = 512_MiB, .maximum = 8_GiB}));
  EXPECT_THAT(read_file.lines,
              UnorderedElementsAre(Pair("host.reserve", 3), Pair("resize.timeout", 6),
                                   Pair("resize.stall", 7), Pair("resize.on_failure", 8),
                                   Pair("resize.online", 9), Pair("resize.numa", 10)));
  ASSERT_EQ(read_file.domain_lines.size(), 2);
  EXPECT_EQ(read_file.domain_lines[0].entry, 12);
  EXPECT_EQ(read_file.domain_lines[0].minimum, 0);
  EXPECT_EQ(read_file.domain_lines[1].minimum, 18);
  EXPECT_EQ(read_file.domain_lines[1].maximum, 19);
}

TEST(Configuration, TheHostsNumaIsThePolicys) {
  const Configuration read_file = configured("[host]\nnuma = \"local\"\n");
  EXPECT_EQ(read_file.policy.numa, Numa::local);
  EXPECT_EQ(read_file.resize.numa, Numa::any);
  EXPECT_THAT(read_file.lines, UnorderedElementsAre(Pair("host.numa", 2)));
}

TEST(Configuration, WhatTheFileLeavesOutIsAsTheLibraryHasIt) {
  for (const char* text : {"", "# nothing\n", "[host]\n[resize]\n", "\xef\xbb\xbf[host]\r\n"}) {
    const Configuration configuration = configured(text);
    EXPECT_EQ(configuration.policy.host_reserve, ResizeOptions{}.host_reserve);
    EXPECT_EQ(configuration.resize.timeout, std::nullopt);
    EXPECT_EQ(configuration.resize.stall, ResizeOptions{}.stall);
    EXPECT_EQ(configuration.resize.on_failure, OnFailure::restore);
    EXPECT_EQ(configuration.resize.online, OnlineZone::kernel);
    EXPECT_EQ(configuration.resize.numa, Numa::any);
    EXPECT_EQ(configuration.policy.numa, Numa::any);
    EXPECT_THAT(configuration.lines, IsEmpty());
    EXPECT_THAT(configuration.policy.domains, IsEmpty());
  }
}

TEST(Configuration, OneFormOfTomlIsAsGoodAsAnother) {
  const Configuration configuration = configured(
      "host.reserve = '1GiB'\r\nresize = {timeout = \"5\"}\r\ndomain = [\n{name = 'a', minimum = "
      "64},\n{name = 'b', maximum = 65}]");
  EXPECT_EQ(configuration.policy.host_reserve, 1_GiB);
  EXPECT_EQ(configuration.resize.timeout, 5s);
  EXPECT_EQ(configuration.policy.maximum("b"), 65_MiB);
  EXPECT_EQ(configuration.domain_lines.at(1).maximum, 5);
}

TEST(Configuration, TimesAreWrittenAsOnTheCommandLine) {
  const Configuration times = configured("[resize]\ntimeout = \"2min\"\nstall = \"90s\"\n");
  EXPECT_EQ(times.resize.timeout, 120s);
  EXPECT_EQ(times.resize.stall, 90s);
  const Configuration none = configured("[resize]\ntimeout = \"never\"\n");
  EXPECT_EQ(none.resize.timeout, std::nullopt);
  EXPECT_THAT(none.lines, UnorderedElementsAre(Pair("resize.timeout", 2)));
}

TEST(Configuration, SpecialEntriesComeBeforeGeneralOnes) {
  const Configuration configuration = configured(R"(
[[domain]]
name = "web1"
minimum = "1g"
[[domain]]
name = "web?"
maximum = "4g"
[[domain]]
name = "web*"
minimum = "2g"
maximum = "8g"
[[domain]]
name = "*"
maximum = "9g"
)");
  EXPECT_EQ(configuration.policy.minimum("web1"), 1_GiB);
  EXPECT_EQ(configuration.policy.maximum("web1"), 4_GiB);
  EXPECT_EQ(configuration.policy.maximum("web10"), 8_GiB);
  EXPECT_EQ(configuration.policy.maximum("db"), 9_GiB);
}

struct Wrong {
  std::string text;
  std::string message;
  std::string hint;
};

constexpr auto size_hint =
    "write a size as on the command line: \"4GiB\", \"512MiB\"; a bare number is MiB";
constexpr auto syntax_hint =
    "sizes and words stand in quotes, as in reserve = \"1GiB\"; see man memctl.toml";
constexpr auto once_hint =
    "each table and each key stands once; [[domain]] begins each entry of a domain";
constexpr auto table_hint = "write [host] on a line of its own, and its keys below it";
constexpr auto entry_hint = "begin each entry with [[domain]], and write its keys below it";

void expect_mistakes(const std::vector<Wrong>& all) {
  for (const Wrong& wrong : all) {
    const Error error = wrong_line_in(wrong.text);
    SCOPED_TRACE(wrong.text);
    EXPECT_EQ(error.cause, Cause::invalid_argument);
    EXPECT_EQ(error.message, wrong.message);
    EXPECT_EQ(error.hint, wrong.hint);
  }
}

TEST(Configuration, ALineThatIsNoTomlIsShown) {
  expect_mistakes({
      {"[host]\nreserve = 1GiB\n",
       "f:2: this line cannot be read: reserve = 1GiB; expected digit, saw 'G'", syntax_hint},
      {"[resize]\n  on_failure = keep\r\n",
       "f:2: this line cannot be read: on_failure = keep; could not determine value type",
       syntax_hint},
      {"[host]\nreserve = \u201c1GiB\u201d",
       "f:2: this line cannot be read: reserve = \u201c1GiB\u201d; could not determine value type",
       syntax_hint},
      {"[host]\n[{",
       "f:2: this line cannot be read: [{; expected bare key starting character or string "
       "delimiter, saw '{'",
       syntax_hint},
      {"[host]\n\u00e4 = 1",
       "f:2: this line cannot be read: \u00e4 = 1; expected keys, tables, whitespace or comments, "
       "saw '\u00e4'",
       syntax_hint},
      {"[host]\n\nreserve = \xff\xfe\n", "f:3: this line is not UTF-8",
       "save the file as UTF-8, or write plain ASCII"},
      {"[host]\nreserve = '1g'\nreserve = '2g'", "f:3: this was set before: reserve = '2g'",
       once_hint},
      {"[host]\n\n[host]", "f:3: this was set before: [host]", once_hint},
      {"[[domain]]\nname='a'\nminimum=64\n[domain]", "f:4: this was set before: [domain]",
       once_hint},
  });
  EXPECT_THAT(wrong_line_in("a = \x1b[2J").message, HasSubstr("a = ?[2J"));
  EXPECT_THAT(wrong_line_in(std::string(300, 'a')).message,
              HasSubstr(std::string(60, 'a') + "..."));
}

TEST(Configuration, AnUnknownKeyIsNamedWithTheNearestKnownOne) {
  expect_mistakes({
      {"[host]\nreserves = '1g'", "f:2: unknown key \"reserves\" in [host]; did you mean reserve?",
       "[host] has reserve and numa"},
      {"[hots]\nreserve = '1g'", "f:1: unknown key \"hots\"; did you mean host?",
       "the file has [host], [resize] and [[domain]]"},
      {"reserve = '1g'", "f:1: unknown key \"reserve\"",
       "the file has [host], [resize] and [[domain]]"},
      {"[resize]\nallow_hvm_devices = true", "f:2: unknown key \"allow_hvm_devices\" in [resize]",
       "[resize] has timeout, stall, on_failure, online and numa"},
      {"[[domain]]\nnames='a'\nmaximum='1g'",
       "f:2: unknown key \"names\" in [[domain]]; did you mean name?",
       "[[domain]] has name, minimum and maximum"},
      {"[[domain]]\nname='a'\nmax='1g'", "f:3: unknown key \"max\" in [[domain]]",
       "[[domain]] has name, minimum and maximum"},
  });
}

TEST(Configuration, AValueOfAWrongKindIsRefused) {
  expect_mistakes({
      {"host = 3", "f:1: host is a table, and this is a whole number", table_hint},
      {"[[host]]\nreserve='1g'", "f:1: host is a table, and this is a list", table_hint},
      {"resize = 'x'", "f:1: resize is a table, and this is a text",
       "write [resize] on a line of its own, and its keys below it"},
      {"[domain.web1]\nmaximum='1g'", "f:1: domain is a list of tables, and this is a table",
       entry_hint},
      {"domain = ['web1']", "f:1: domain is a list of tables, and this is a text", entry_hint},
      {"[host]\nreserve = true", "f:2: reserve takes a size, not true or false", size_hint},
      {"[host]\nreserve = 1.5", "f:2: reserve takes a size, not a number with decimals", size_hint},
      {"[resize]\nstall = 2026-01-01", "f:2: stall takes a time, not a date or a time",
       "write seconds, or a time with its unit: stall = 60, stall = \"2min\""},
      {"[resize]\nonline = {}", "f:2: online takes kernel or movable, not a table",
       "write online = \"kernel\" or online = \"movable\""},
      {"[host]\nnuma = 'near'", "f:2: numa: \"near\" is neither any nor local",
       "write numa = \"any\" or numa = \"local\""},
      {"[[domain]]\nname = 7\nminimum = 64", "f:2: name takes a text, not a whole number",
       "write the name of a domain, or a pattern with * or ?, in quotes: name = \"web*\""},
  });
}

TEST(Configuration, AValueThatCannotBeMeantIsRefused) {
  expect_mistakes({
      {"[host]\nreserve = '12x'", "f:2: reserve: \"12x\" is not a size", size_hint},
      {"[host]\nreserve = '99999999t'", "f:2: reserve: \"99999999t\" is larger than any memory",
       size_hint},
      {"[host]\nreserve = '+1g'", "f:2: reserve: \"+1g\" is a change, not a size", size_hint},
      {"[[domain]]\nname='a'\nminimum = -5", "f:3: minimum: \"-5\" is a change, not a size",
       size_hint},
      {"[[domain]]\nname='a'\nmaximum = 0", "f:3: maximum: \"0\" is no size for a guest",
       size_hint},
      {"[host]\nreserve = 63", "f:2: a reserve of 63 MiB is too small",
       "memctl always leaves 64 MiB to the host; write more, or nothing"},
      {"[resize]\ntimeout = 0", "f:2: timeout: \"0\" is no time from 1ms to 8784h",
       "write seconds, or a time with its unit: timeout = 60, timeout = \"2min\""},
      {"[resize]\nstall = 'never'", "f:2: stall: \"never\" is no time from 1ms to 8784h",
       "write seconds, or a time with its unit: stall = 60, stall = \"2min\""},
      {"[resize]\nstall = inf", "f:2: stall: \"inf\" is no time from 1ms to 8784h",
       "write seconds, or a time with its unit: stall = 60, stall = \"2min\""},
      {"[resize]\non_failure = 'kep'", "f:2: on_failure: \"kep\" is neither restore nor keep",
       "write on_failure = \"restore\" or on_failure = \"keep\""},
  });
}

TEST(Configuration, AnEntryNeedsANameAndABound) {
  expect_mistakes({
      {"\n[[domain]]\nmaximum='1g'", "f:2: this [[domain]] has no name",
       "write the name of a domain, or a pattern, below it: name = \"web*\""},
      {"[[domain]]\nname='a'", "f:1: this [[domain]] has neither minimum nor maximum",
       "write one of them below it, or both: maximum = \"8GiB\""},
      {"[[domain]]\nname=''\nmaximum='1g'", "f:2: name is empty",
       "write the name of a domain, or a pattern with * or ?, in quotes: name = \"web*\""},
  });
}

TEST(Configuration, EntriesThatContradictEachOtherAreRefused) {
  expect_mistakes({
      {"[[domain]]\nname='a'\nmaximum='1g'\n[[domain]]\nname='a'\nminimum=64",
       "f:4: \"a\" has an entry already in line 1", "write both bounds into one entry"},
      {"[[domain]]\nname='a'\nmaximum='1g'\nminimum='2g'",
       "f:4: the minimum of \"a\", 2048 MiB, is above its maximum, 1024 MiB, in line 3",
       "lower the minimum, or raise the maximum"},
      {"[[domain]]\nname='a?*'\nminimum='1g'\n[[domain]]\nname='a*'\nminimum='9g'\nmaximum='2g'",
       "f:6: the minimum of \"a*\", 9216 MiB, is above its maximum, 2048 MiB, in line 7",
       "lower the minimum, or raise the maximum"},
      {"[[domain]]\nname='web1'\nminimum='3g'\n[[domain]]\nname='web*'\nmaximum='2g'",
       "f:3: the minimum of \"web1\", 3072 MiB, is above the maximum of \"web*\", 2048 MiB, in "
       "line 6",
       "lower the minimum, or raise the maximum"},
      {"[[domain]]\nname='*'\nmaximum='1g'\n[[domain]]\nname='web1'\nmaximum='2g'",
       "f:6: the maximum of \"web1\" never counts, because \"*\" in line 1 has one and comes first",
       "move this entry before line 1"},
      {"[[domain]]\nname='w*'\nminimum='1g'\n[[domain]]\nname='web?-*'\nminimum='2g'",
       "f:6: the minimum of \"web?-*\" never counts, because \"w*\" in line 1 has one and comes "
       "first",
       "move this entry before line 1"},
  });
}

TEST(Configuration, TheFirstOfSeveralWrongLinesIsNamed) {
  EXPECT_THAT(wrong_line_in("[[domain]]\nname='a'\nmaximum='x'\n[host]\nreserve='y'").message,
              HasSubstr("f:3: maximum"));
  EXPECT_THAT(wrong_line_in("[resize]\ntimeout=0\n[host]\nreserve='y'\n[[domain]]").message,
              HasSubstr("f:2: timeout"));
}

TEST(Configuration, ABoundThatRefusesIsFoundAgainInTheFile) {
  const Configuration configuration = configured(
      "[[domain]]\nname='web1'\nmaximum='16g'\n[[domain]]\nname='web*'\nminimum='1g'\n"
      "maximum='8g'\n");
  const auto hint = [&](Cause cause, const char* domain) {
    const Error error{.cause = cause, .message = "no", .hint = "as before"};
    return with_source(error, domain, configuration).hint;
  };
  EXPECT_EQ(hint(Cause::above_policy, "web1"), "f:3 sets the maximum of \"web1\"");
  EXPECT_EQ(hint(Cause::above_policy, "web2"), "f:7 sets the maximum of \"web*\"");
  EXPECT_EQ(hint(Cause::below_policy, "web1"), "f:6 sets the minimum of \"web*\"");
  EXPECT_EQ(hint(Cause::above_policy, "db1"), "as before");
  EXPECT_EQ(hint(Cause::host_memory, "web1"), "as before");
}

}  // namespace
}  // namespace memctl::cli
