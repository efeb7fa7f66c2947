// SPDX-License-Identifier: LGPL-2.1-or-later
#include "options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
  EXPECT_EQ(options.domain, "web1");
  EXPECT_EQ(options.size, "4g");
  EXPECT_EQ(options.resize.timeout, std::nullopt);
  EXPECT_EQ(options.resize.stall, 30s);
  EXPECT_EQ(options.resize.on_failure, OnFailure::restore);
  EXPECT_EQ(options.resize.online, OnlineZone::kernel);
  EXPECT_FALSE(options.resize.agentless || options.resize.allow_hvm_devices || options.json);
}

TEST(Options, AllOfThem) {
  const Options options =
      read({"--host", "sim:", "resize", "--timeout", "1.5", "--stall=7", "--on-failure", "keep",
            "--online", "movable", "--agentless", "--allow-hvm-devices", "--json", "web1", "+1g"});
  EXPECT_EQ(options.host, "sim:");
  EXPECT_EQ(options.resize.timeout, 1500ms);
  EXPECT_EQ(options.resize.stall, 7s);
  EXPECT_EQ(options.resize.on_failure, OnFailure::keep);
  EXPECT_EQ(options.resize.online, OnlineZone::movable);
  EXPECT_TRUE(options.resize.agentless && options.resize.allow_hvm_devices && options.json);
  EXPECT_EQ(options.size, "+1g");
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
  EXPECT_EQ(read({"resize", "plan", "1g"}).domain, "plan");
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

TEST(Options, SecondsAreMoreThanZeroAndAtMostAYear) {
  EXPECT_EQ(parse_seconds("0.25"), 250ms);
  EXPECT_EQ(parse_seconds("90"), 90s);
  for (const char* bad : {"0", "-1", "-0", "nan", "inf", "1e30", "31622401", "0.0001", "", "5s",
                          " 5", "1,5", "0x10", "+3"}) {
    EXPECT_EQ(parse_seconds(bad), std::nullopt) << bad;
  }
}

TEST(Options, MistakesAreOneLineAndAHint) {
  const std::vector<std::vector<std::string>> mistakes = {
      {},
      {"grow"},
      {"resize"},
      {"resize", "web1"},
      {"resize", "web1", "1g", "2g"},
      {"resize", "web1", "1g", "--stall", "0"},
      {"resize", "web1", "1g", "--stall", "-5"},
      {"resize", "web1", "1g", "--timeout", "nan"},
      {"resize", "web1", "1g", "--timeout"},
      {"resize", "web1", "1g", "--on-failure", "pray"},
      {"resize", "web1", "1g", "--online", "online"},
      {"resize", "web1", "1g", "--frobnicate"},
      {"plan", "web1", "1g", "-x"},
      {"status", "--stall", "3"},
      {"doctor", "--stall", "3"},
      {"recover", "--timeout", "3"},
  };
  for (const auto& mistake : mistakes) {
    const Answer answer = answered(mistake);
    SCOPED_TRACE(answer.err);
    EXPECT_EQ(answer.exit_code, 2);
    EXPECT_TRUE(answer.out.empty());
    EXPECT_TRUE(answer.err.starts_with("memctl: "));
    EXPECT_EQ(std::ranges::count(answer.err, '\n'), 2);
    EXPECT_THAT(answer.err, HasSubstr("\n  hint: memctl"));
    EXPECT_THAT(answer.err, testing::Not(HasSubstr("\x01")));
  }
}

TEST(Options, HelpHasExamples) {
  for (const char* command : {"resize", "plan", "status", "doctor", "recover"}) {
    const Answer help = answered({command, "--help"});
    EXPECT_EQ(help.exit_code, 0);
    EXPECT_THAT(help.out, HasSubstr("Examples:\n  memctl "));
  }
  EXPECT_THAT(answered({"--help"}).out, HasSubstr("Exit codes:"));
  EXPECT_THAT(answered({"--version"}).out, testing::MatchesRegex("memctl [0-9.]+\n"));
}

}  // namespace
}  // namespace memctl::cli
