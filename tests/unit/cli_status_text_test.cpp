// SPDX-License-Identifier: LGPL-2.1-or-later
#include "status_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "characters.hpp"
#include "cli_fixture.hpp"

namespace memctl::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

DomainStatus known() {
  return {.domain = web1,
          .size = 160_MiB,
          .allocated = 160_MiB,
          .target = 160_MiB,
          .limit = 512_MiB,
          .boot_limit = 512_MiB,
          .agent = AgentStatus{.version = "0.1.0\x1b"},
          .reported_total = 150_MiB,
          .reported_available = 100_MiB,
          .range = SizeRange{.smallest = {94924_KiB, Cause::below_floor, "in use"},
                             .largest = {2142_MiB, Cause::host_memory, "no more"}}};
}

DomainStatus silent(std::string name = "\xc3\xa4") {
  return {.domain = {DomainId{12}, std::move(name), DomainType::hvm},
          .size = 1_GiB,
          .allocated = 1_GiB,
          .target = 1_GiB,
          .refused_by = Cause::agent_absent};
}

StatusColumns columns(std::string_view list) { return std::get<StatusColumns>(read_columns(list)); }

TEST(StatusText, IsATableThatShowsTheUnknownAsADash) {
  EXPECT_EQ(status_table({known(), silent()}, {}, {}),
            "NAME  ID  TYPE  SIZE  USED  STATE     LIMIT  SMALLEST  LARGEST\n"
            "web1   3  pv     160    50  fine        512        93     2142\n"
            "\xc3\xa4     12  hvm   1024     -  no-agent      -         -        -\n");
  EXPECT_EQ(status_table({}, {}, {}),
            "NAME  ID  TYPE  SIZE  USED  STATE  LIMIT  SMALLEST  LARGEST\n");
}

TEST(StatusText, TheUserChoosesColumnsUnitAndHeadings) {
  const StatusLook look{
      .columns = columns("limited-by,Name,AGENT,size"), .unit = SizeUnit::human, .headings = false};
  EXPECT_EQ(status_table({known(), silent()}, look, {}),
            "host_memory   web1  0.1.0?  160M\n"
            "agent_absent  \xc3\xa4     -         1G\n");
  DomainStatus near = known();
  near.numa_forecast = NumaForecast{.nodes = {0, 2}, .local = 512_MiB};
  EXPECT_EQ(status_table({near, known()}, {.columns = columns("name,nodes,local")}, {}),
            "NAME  NODES  LOCAL\n"
            "web1  0,2      512\n"
            "web1  -          -\n");
  EXPECT_EQ(columns("+uuid").size(), usual_columns().size() + 1);
}

TEST(StatusText, AWrongListOfColumnsIsNamed) {
  const auto mistake = [](std::string_view list) {
    return std::get<std::string>(read_columns(list));
  };
  EXPECT_EQ(mistake("sized"), "unknown column \"sized\"; did you mean SIZE?");
  EXPECT_EQ(mistake("name,boot"), "unknown column \"boot\"");
  EXPECT_EQ(mistake("x\x1b"), "unknown column \"x?\"");
  for (const char* empty : {"", "+", "name,", ",name"}) {
    EXPECT_EQ(mistake(empty), "a column's name is missing") << empty;
  }
}

TEST(StatusText, FitsEveryTerminalFromTwentyColumns) {
  const std::vector<DomainStatus> domains = {known(), silent(std::string(200, 'n')), silent("db")};
  for (int width = 20; width <= 300; ++width) {
    const Screen screen{.columns = width, .utf8 = true};
    std::string text = status_table(domains, {}, screen);
    text += host_line({16_GiB, 8_GiB, 1_GiB, 64_MiB}, SizeUnit::mib, screen);
    for (std::size_t end = 0; (end = text.find('\n')) != std::string::npos;) {
      ASSERT_LE(columns_of(text.substr(0, end)), static_cast<std::size_t>(width)) << text;
      text.erase(0, end + 1);
    }
  }
  EXPECT_THAT(status_table(domains, {}, {}), HasSubstr(std::string(200, 'n'))) << "into a pipe";
}

TEST(StatusText, AWideTerminalGetsMoreColumnsAndANarrowOneTheMostImportant) {
  EXPECT_THAT(status_table({known()}, {}, {.columns = 200}), HasSubstr("LARGEST  LIMITED-BY"));
  const std::string narrow = status_table({known()}, {}, {.columns = 20});
  EXPECT_EQ(narrow,
            "NAME  SIZE  STATE\n"
            "web1   160  fine\n");
  EXPECT_EQ(status_table({known()}, {}, {.columns = 1}), "~\n~\n");
}

TEST(StatusText, ALongNameIsCutBeforeAColumnIsLeftOut) {
  const std::string text =
      status_table({silent("the-database-of-the-second-department")}, {}, {.columns = 80});
  EXPECT_THAT(text, HasSubstr("LARGEST"));
  EXPECT_THAT(text, HasSubstr("\nthe-database-of-th"));
  EXPECT_THAT(text, HasSubstr("~"));
}

TEST(StatusText, TheStateIsOneWord) {
  DomainStatus status = known();
  EXPECT_EQ(state_of(status), "fine");
  status.reported_starving = true;
  EXPECT_EQ(state_of(status), "starving");
  status.target = 1_GiB;
  EXPECT_EQ(state_of(status), "growing");
  status.target = 100_MiB;
  EXPECT_EQ(state_of(status), "shrinking");
  const std::vector<std::pair<Cause, std::string>> states = {
      {Cause::busy, "resizing"},
      {Cause::domain_paused, "paused"},
      {Cause::domain_migrating, "saving"},
      {Cause::domain_gone, "ending"},
      {Cause::agent_absent, "no-agent"},
      {Cause::agent_incompatible, "other-agent"},
      {Cause::journal_damaged, "journal_damaged"}};
  for (const auto& [cause, state] : states) {
    status.refused_by = cause;
    EXPECT_EQ(state_of(status), state);
  }
}

TEST(StatusText, TheHostIsOneLine) {
  const HostStatus host{.total = 16_GiB, .free = 8_GiB, .claimed = 1_GiB, .reserve = 64_MiB};
  EXPECT_EQ(host_line(host, SizeUnit::mib, {}),
            "host: 16384 MiB, 8192 free, 1024 claimed, 64 kept in reserve, 8128 to give\n");
  EXPECT_EQ(host_line(host, SizeUnit::human, {.columns = 20}), "host: 16G, 8G free\n");
  EXPECT_THAT(host_line({.reserve = 64_MiB}, SizeUnit::mib, {}), HasSubstr(", 0 to give\n"));
}

TEST(StatusText, VerboseSaysWhyADomainCannotGrowOrShrinkFurther) {
  EXPECT_EQ(limits_text(known()),
            "web1: can grow to 2142 MiB; no more\n"
            "web1: can shrink to 93 MiB; in use\n");
  DomainStatus refused = silent();
  refused.refused_message = "web1: no agent\x1b";
  EXPECT_EQ(limits_text(refused), "web1: no agent?\n");
}

}  // namespace
}  // namespace memctl::cli
