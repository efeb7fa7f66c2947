// SPDX-License-Identifier: LGPL-2.1-or-later
#include "options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nearest.hpp"
#include "time_text.hpp"

namespace memctl::cli {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

Options read(std::vector<std::string> arguments) {
  const auto parsed = parse_options(std::move(arguments));
  if (const auto* answer = std::get_if<Answer>(&parsed)) {
    ADD_FAILURE() << answer->err << answer->out;
    return {};
  }
  return std::get<Options>(parsed);
}

Answer answered(std::vector<std::string> arguments) {
  const auto parsed = parse_options(std::move(arguments));
  if (const auto* answer = std::get_if<Answer>(&parsed)) return *answer;
  ADD_FAILURE() << "was accepted";
  return {};
}

TEST(Options, ResizeHasTheDefaultsOfTheLibrary) {
  const Options options = read({"resize", "web1", "4g"});
  EXPECT_EQ(options.command, Command::resize);
  EXPECT_EQ(options.host, "xen:");
  EXPECT_THAT(options.domains, ElementsAre("web1"));
  EXPECT_EQ(options.size, "4g");
  EXPECT_EQ(options.resize.timeout, std::nullopt);
  EXPECT_EQ(options.resize.stall, 30s);
  EXPECT_EQ(options.resize.on_failure, OnFailure::restore);
  EXPECT_EQ(options.resize.online, OnlineZone::kernel);
  EXPECT_FALSE(options.resize.agentless || options.resize.allow_hvm_devices || options.json);
  EXPECT_FALSE(options.resize.force_movable);
}

TEST(Options, EachOptionIsRead) {
  const Options options =
      read({"--host", "sim:", "resize", "--timeout", "1.5", "--stall=7", "--on-failure", "keep",
            "--online", "movable", "--numa", "local", "--agentless", "--allow-hvm-devices",
            "--force-movable", "--json", "web1", "+1g"});
  EXPECT_EQ(options.host, "sim:");
  EXPECT_EQ(options.resize.timeout, 1500ms);
  EXPECT_EQ(options.resize.stall, 7s);
  EXPECT_EQ(options.resize.on_failure, OnFailure::keep);
  EXPECT_EQ(options.resize.online, OnlineZone::movable);
  EXPECT_EQ(options.resize.numa, Numa::local);
  EXPECT_TRUE(options.resize.agentless && options.resize.allow_hvm_devices && options.json);
  EXPECT_TRUE(options.resize.force_movable);
  EXPECT_EQ(options.size, "+1g");
}

TEST(Options, WhatTheCommandLineLeavesOpenIsAsTheDefaultsHaveIt) {
  const ResizeOptions defaults{.timeout = 600s, .stall = 5s, .on_failure = OnFailure::keep};
  const auto resize = [&](std::vector<std::string> arguments) {
    return std::get<Options>(parse_options(std::move(arguments), defaults)).resize;
  };
  const ResizeOptions open = resize({"resize", "web1", "4g"});
  EXPECT_EQ(open.timeout, 600s);
  EXPECT_EQ(open.stall, 5s);
  EXPECT_EQ(open.on_failure, OnFailure::keep);
  const ResizeOptions said = resize(
      {"resize", "web1", "4g", "--timeout", "9", "--stall", "30", "--on-failure", "restore"});
  EXPECT_EQ(said.timeout, 9s);
  EXPECT_EQ(said.stall, 30s);
  EXPECT_EQ(said.on_failure, OnFailure::restore);
  EXPECT_EQ(resize({"resize", "web1", "4g", "--timeout", "never"}).timeout, std::nullopt);
}

TEST(Options, AnotherConfigurationMayBeNamedBeforeOrAfterTheCommand) {
  EXPECT_EQ(read({"config"}).command, Command::config);
  EXPECT_EQ(read({"config"}).config, std::nullopt);
  EXPECT_EQ(read({"--config", "a.toml", "status"}).config, "a.toml");
  EXPECT_EQ(read({"status", "--config=a.toml"}).config, "a.toml");
}

TEST(Options, HostMayAlsoFollowTheCommand) {
  EXPECT_EQ(read({"status", "--host", "sim:"}).host, "sim:");
}

TEST(Options, ANegativeSizeIsNoOption) {
  EXPECT_EQ(read({"resize", "web1", "-512m"}).size, "-512m");
  EXPECT_EQ(read({"resize", "--json", "web1", "-512m", "--stall", "5"}).size, "-512m");
  EXPECT_EQ(read({"resize", "web1", "--", "-512m"}).size, "-512m");
  EXPECT_EQ(read({"resize", "--", "web1", "-512m"}).size, "-512m");
}

TEST(Options, DomainsMayBeNamedLikeCommands) {
  EXPECT_THAT(read({"resize", "plan", "1g"}).domains, ElementsAre("plan"));
  EXPECT_THAT(read({"status", "resize", "3"}).domains, ElementsAre("resize", "3"));
}

TEST(Options, DoctorTakesAnyNumberOfDomains) {
  EXPECT_EQ(read({"doctor"}).command, Command::doctor);
  EXPECT_THAT(read({"doctor"}).domains, testing::IsEmpty());
  const Options options = read({"doctor", "web1", "-1", "--json"});
  EXPECT_THAT(options.domains, ElementsAre("web1", "-1"));
  EXPECT_TRUE(options.json);
}

TEST(Options, RecoverTakesAnyNumberOfDomains) {
  EXPECT_EQ(read({"recover"}).command, Command::recover);
  EXPECT_THAT(read({"recover", "web1", "2"}).domains, ElementsAre("web1", "2"));
}

TEST(Options, ADryRunIsAPlan) {
  EXPECT_EQ(read({"resize", "web1", "1g", "--dry-run"}).command, Command::plan);
  EXPECT_EQ(read({"plan", "web1", "1g"}).command, Command::plan);
}

TEST(Options, ResizeAndPlanTakeSeveralDomainsOrAll) {
  const Options several = read({"resize", "web1", "--json", "2", "db", "-512m"});
  EXPECT_THAT(several.domains, ElementsAre("web1", "2", "db"));
  EXPECT_EQ(several.size, "-512m");
  EXPECT_FALSE(several.all);
  const Options all = read({"plan", "-a", "+1g"});
  EXPECT_TRUE(all.all);
  EXPECT_THAT(all.domains, testing::IsEmpty());
  EXPECT_EQ(all.size, "+1g");
}

TEST(Options, ATimeHasAUnitOrIsSeconds) {
  EXPECT_EQ(parse_time("0.25"), 250ms);
  EXPECT_EQ(parse_time("90"), 90s);
  EXPECT_EQ(parse_time("5s"), 5s);
  EXPECT_EQ(parse_time("2min"), 120s);
  EXPECT_EQ(parse_time("1.5 h"), 5400s);
  EXPECT_EQ(parse_time("20ms"), 20ms);
  for (const char* bad : {"0", "-1", "-0",   "nan",   "inf",   "1e30", "31622401", "0.0001",
                          "",  " 5", "1,5",  "0x10",  "+3",    "5 ",   "5x",       "2m",
                          "s", "0s", "9h h", "never", "8785h", "0.1ms"}) {
    EXPECT_EQ(parse_time(bad), std::nullopt) << bad;
  }
  const ResizeOptions read_times =
      read({"resize", "web1", "4g", "--timeout", "2min", "--stall=90s", "--wait-agent", "5"})
          .resize;
  EXPECT_EQ(read_times.timeout, 120s);
  EXPECT_EQ(read_times.stall, 90s);
  EXPECT_EQ(read_times.wait_agent, 5s);
}

TEST(Options, AReserveIsASizeAndAtLeastTheLibrarys) {
  EXPECT_EQ(read({"plan", "web1", "4g", "--reserve", "2g"}).resize.host_reserve, 2_GiB);
  for (const auto& [wrong, says] : std::vector<std::pair<std::string, std::string>>{
           {"63m", "memctl always leaves 64 MiB to the host; \"63m\" is less"},
           {"+1g", "\"+1g\" is a change, not a size"},
           {"1gb", "1gb"}}) {
    EXPECT_THAT(answered({"resize", "web1", "4g", "--reserve", wrong}).err, HasSubstr(says));
  }
}

TEST(Nearest, OneLetterInThreeMayBeWrong) {
  const std::vector<std::string> known = {"resize", "status", "recover"};
  EXPECT_EQ(nearest("rezise", known), "resize");
  EXPECT_EQ(nearest("statsu", known), "status");
  EXPECT_EQ(nearest("recovery", known), "recover");
  EXPECT_EQ(nearest("size", known), "resize");
  EXPECT_EQ(nearest("grow", known), std::nullopt);
  EXPECT_EQ(nearest("", known), std::nullopt);
  EXPECT_EQ(nearest(std::string(100'000, 'r'), known), std::nullopt);
}

TEST(Options, HelpHasExamples) {
  for (const char* command : {"resize", "plan", "status", "doctor", "recover", "config"}) {
    const Answer help = answered({command, "--help"});
    EXPECT_EQ(help.exit_code, 0);
    EXPECT_THAT(help.out, HasSubstr("Examples:\n  memctl "));
  }
  EXPECT_THAT(answered({"--help"}).out, HasSubstr("Exit codes:"));
  EXPECT_THAT(answered({"--version"}).out, testing::MatchesRegex("memctl [0-9.]+\n"));
}

}  // namespace
}  // namespace memctl::cli
