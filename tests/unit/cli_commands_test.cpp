// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The commands themselves, on a simulated host, without a process or a terminal.
#include "commands.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "host/sim/scenario.hpp"
#include "resize/journal.hpp"
#include "scenario/calls.hpp"

namespace memctl::cli {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// Keeps the output; nothing interrupts the command.
class Recorded final : public Environment {
 public:
  explicit Recorded(ProgressBar::Style style = {.live = false}) : style_{style} {}

  ExitCode run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--host", "sim:"});
    return cli::run(std::get<Options>(parse_options(std::move(arguments))), *this);
  }

  const Result<Configuration>& configuration() override { return configured; }
  Result<Host> open_host(const std::string& uri) override {
    if (!configured) return configured.error();
    return Host::open(uri, {.policy = configured.value().policy});
  }
  void note(const LogLine& /*line*/) override {}
  void write_out(std::string_view text) override { out += text; }
  void write_err(std::string_view text) override { err += text; }
  ProgressBar::Style style() override { return style_; }
  int columns() override { return 80; }
  int rows() override { return 24; }
  Screen screen() override { return shown_on; }
  int screen_rows() override { return 24; }
  bool can_redraw() override { return false; }
  bool has_reader() override { return true; }
  void on_resized(std::function<void()> /*handler*/) override {}
  void on_interruption(std::function<void(Interruption)> /*handler*/) override {}
  TimePoint now() override { return std::chrono::steady_clock::now(); }
  void wait_for(EventQueue& queue, std::optional<std::chrono::milliseconds> patience) override {
    queue.wait(patience);
  }
  void wait_for(WatchQueue& queue, std::chrono::milliseconds patience) override {
    queue.wait(patience);
  }

  Result<Configuration> configured{Configuration{}};
  Screen shown_on{};
  std::string out{};
  std::string err{};

 private:
  ProgressBar::Style style_;
};

TEST(EventQueue, ThatIsFullKeepsTheNewestEventOfEachOperation) {
  EventQueue queue{2};
  queue.push(1, {.phase = Phase::restore, .now = Kib{1}});
  for (int each = 1; each <= 20'000; ++each) {
    queue.push(0, {.phase = Phase::populate, .now = Kib{each}});
  }
  queue.push(1, {.phase = Phase::restore, .now = Kib{2}});
  std::array<Kib, 2> newest{};
  int events = 0;
  for (auto item = queue.pop(); item.kind == EventQueue::Kind::event; item = queue.pop()) {
    newest.at(item.operation) = item.event.now;
    ++events;
  }
  EXPECT_EQ(events, 10'000);
  EXPECT_EQ(newest, (std::array{Kib{20'000}, Kib{2}}));
}

TEST(Commands, AResizeTellsItsEndOnStandardOutput) {
  Recorded memctl;
  EXPECT_EQ(memctl.run({"resize", "demo-pv", "2g"}), ExitCode::verified);
  EXPECT_THAT(memctl.out, StartsWith("demo-pv: 1024 MiB -> 2048 MiB in "));
  EXPECT_EQ(memctl.err, "");
}

TEST(Commands, AProgramReadsNoWordForPeople) {
  Recorded memctl{{.live = true}};
  EXPECT_EQ(memctl.run({"resize", "demo-pv", "2g", "--json", "--verbose"}), ExitCode::verified);
  EXPECT_THAT(memctl.out, StartsWith(R"({"event":"progress","domain":{"id":1,"name":"demo-pv",)"));
  EXPECT_EQ(memctl.err, "");
}

TEST(Commands, AHostThatCannotBeOpenedIsToldByEachCommand) {
  for (const auto& command : std::vector<std::vector<std::string>>{
           {"resize", "web1", "1g"}, {"plan", "web1", "1g"}, {"status"}, {"doctor"}, {"recover"}}) {
    Recorded memctl;
    std::vector<std::string> arguments = command;
    arguments.insert(arguments.end(), {"--host", "sim:/nowhere"});
    EXPECT_EQ(memctl.run(arguments), ExitCode::refused) << command.front();
    EXPECT_EQ(memctl.out, "");
    EXPECT_THAT(memctl.err, HasSubstr("(invalid_argument)"));
  }
}

TEST(Commands, ARefusalByTheAdministratorNamesTheLineThatSetsTheBound) {
  Recorded memctl;
  memctl.configured = parse_configuration(
      "[[domain]]\nname = \"demo*\"\nminimum = \"512m\"\nmaximum = \"2g\"\n", "/f");
  EXPECT_EQ(memctl.run({"resize", "demo-pv", "4g"}), ExitCode::refused);
  EXPECT_THAT(memctl.err, HasSubstr("(above_policy)\n"));
  EXPECT_THAT(memctl.err, HasSubstr("\n  hint: /f:4 sets the maximum of \"demo*\"\n"));
  EXPECT_EQ(memctl.run({"plan", "demo-pv", "100m", "--json"}), ExitCode::refused);
  EXPECT_THAT(memctl.out, HasSubstr(R"("hint":"/f:3 sets the minimum of \"demo*\"")"));
  EXPECT_EQ(memctl.run({"resize", "demo-pv", "2g"}), ExitCode::verified);
}

TEST(Commands, StatusAndPlanNameTheLinesThatBoundASize) {
  Recorded memctl;
  memctl.configured = parse_configuration(
      "[[domain]]\nname = \"demo-pv\"\nminimum = \"512m\"\nmaximum = \"2g\"\n", "/f");
  EXPECT_EQ(memctl.run({"status", "-v"}), ExitCode::verified);
  EXPECT_THAT(memctl.out, HasSubstr("\ndemo-pv: can grow to 2048 MiB; the administrator allows at "
                                    "most 2048 MiB (/f:4)\n"));
  EXPECT_THAT(memctl.out, HasSubstr("leaves it at least 512 MiB (/f:3)\n"));
  EXPECT_THAT(memctl.out, HasSubstr("\ndemo-pvh: can grow to "));
  memctl.out.clear();
  EXPECT_EQ(memctl.run({"plan", "demo-pv", "1500m", "--json"}), ExitCode::verified);
  EXPECT_THAT(memctl.out, HasSubstr("at most 2048 MiB (/f:4)\""));
  memctl.out.clear();
  EXPECT_EQ(memctl.run({"plan", "demo-pv", "3g", "--json"}), ExitCode::refused);
  EXPECT_THAT(memctl.out, HasSubstr("at most 2048 MiB (/f:4)\""));
}

TEST(Commands, TheTableGoesByTheTerminal) {
  Recorded memctl;
  memctl.shown_on.columns = 20;
  EXPECT_EQ(memctl.run({"status"}), ExitCode::verified);
  EXPECT_THAT(memctl.out, StartsWith("NAME     SIZE  STATE\ndemo-pv  1024  fine\ndemo-p~  "));
  EXPECT_THAT(memctl.out, EndsWith("\nhost: 65536 MiB\n"));
}

TEST(Commands, SeveralDomainsAreResizedAtOnceWithALineForEach) {
  Recorded memctl;
  EXPECT_EQ(memctl.run({"resize", "demo-pv", "2", "demo-hvm", "4g"}), ExitCode::verified);
  for (const char* name : {"demo-pv", "demo-pvh", "demo-hvm"}) {
    EXPECT_THAT(memctl.out, HasSubstr(std::string{name} + ": 1024 MiB -> 4096 MiB in "));
  }
  EXPECT_EQ(std::ranges::count(memctl.out, '\n'), 3);
  EXPECT_EQ(memctl.err, "");
}

TEST(Commands, ADomainThatIsUnknownOrNamedTwiceLetsNothingBegin) {
  Recorded memctl;
  EXPECT_EQ(memctl.run({"resize", "demo-pv", "nope", "2g"}), ExitCode::refused);
  EXPECT_EQ(memctl.out, "");
  EXPECT_THAT(memctl.err, StartsWith("memctl: no guest is called \"nope\" (no_such_domain)\n"));
  EXPECT_THAT(memctl.err, EndsWith("\nnothing was begun\n"));
  memctl.err.clear();
  EXPECT_EQ(memctl.run({"resize", "demo-pv", "1", "2g"}), ExitCode::usage);
  EXPECT_EQ(memctl.out, "");
  EXPECT_THAT(memctl.err, StartsWith("memctl: demo-pv is named twice, also as \"1\""));
}

TEST(Commands, APlanOfSeveralTellsWhenTheHostHasTooLittleForAll) {
  Recorded memctl;
  EXPECT_EQ(memctl.run({"plan", "--all", "4g"}), ExitCode::verified);
  EXPECT_EQ(memctl.err, "");
  EXPECT_EQ(memctl.run({"plan", "demo-pv", "demo-pvh", "40g"}), ExitCode::refused);
  EXPECT_THAT(memctl.err, StartsWith("memctl: together they need "));
  EXPECT_THAT(memctl.err, HasSubstr(": those that come last would be refused (host_memory)\n"));
}

TEST(Commands, TheHostsMemoryGoesToThoseThatClaimItFirst) {
  Recorded memctl;
  EXPECT_EQ(memctl.run({"resize", "demo-pv", "demo-pvh", "40g"}), ExitCode::refused);
  EXPECT_EQ(std::ranges::count(memctl.out, '\n'), 1);
  EXPECT_THAT(memctl.err, HasSubstr("(host_memory)\n"));
}

TEST(Commands, ABoardShowsEachResizeAndIsGoneAtTheEnd) {
  Recorded memctl{{.live = true}};
  EXPECT_EQ(memctl.run({"resize", "--all", "20g"}), ExitCode::verified);
  EXPECT_THAT(memctl.err, HasSubstr("\ndemo-pvh  "));
  EXPECT_THAT(memctl.err, EndsWith("\x1b[J\x1b[?25h"));
  memctl.err.clear();
  memctl.out.clear();
  EXPECT_EQ(memctl.run({"resize", "--all", "--quiet", "2g"}), ExitCode::verified);
  EXPECT_EQ(memctl.out + memctl.err, "");
}

TEST(Commands, WithAWrongConfigurationNothingRuns) {
  for (const auto& command : std::vector<std::vector<std::string>>{{"resize", "demo-pv", "2g"},
                                                                   {"plan", "demo-pv", "2g"},
                                                                   {"status"},
                                                                   {"doctor"},
                                                                   {"recover"},
                                                                   {"config"}}) {
    SCOPED_TRACE(command.front());
    Recorded memctl;
    memctl.configured = parse_configuration("[host]\nreserve = 1GiB\n", "/f");
    EXPECT_EQ(memctl.run(command), ExitCode::usage);
    EXPECT_EQ(memctl.out, "");
    EXPECT_THAT(memctl.err, StartsWith("memctl: /f:2: this line cannot be read: reserve = 1GiB"));
    std::vector<std::string> arguments = command;
    arguments.push_back("--json");
    memctl.err.clear();
    EXPECT_EQ(memctl.run(arguments), ExitCode::usage);
    EXPECT_THAT(memctl.out, HasSubstr(R"("cause":"invalid_argument","message":"/f:2: )"));
    EXPECT_EQ(memctl.err, "");
  }
}

TEST(Commands, ConfigShowsWhatIsInForceAndWhatSetsIt) {
  Recorded memctl;
  EXPECT_EQ(memctl.run({"config"}), ExitCode::verified);
  EXPECT_EQ(memctl.out,
            "SETTING            VALUE    SET BY\n"
            "host.reserve       64 MiB   default\n"
            "host.numa          any      default\n"
            "resize.timeout     never    default\n"
            "resize.stall       30 s     default\n"
            "resize.on_failure  restore  default\n"
            "resize.online      kernel   default\n"
            "resize.numa        any      default\n"
            "there is no /etc/memctl/memctl.toml\n");
  memctl.out.clear();
  memctl.configured = parse_configuration(
      "[resize]\ntimeout = 1000000\nstall = 0.25\n[[domain]]\nname = \"web*\"\nmaximum = "
      "\"8g\"\n",
      "/f");
  EXPECT_EQ(memctl.run({"config"}), ExitCode::verified);
  EXPECT_EQ(memctl.out,
            "SETTING            VALUE      SET BY\n"
            "host.reserve       64 MiB     default\n"
            "host.numa          any        default\n"
            "resize.timeout     1000000 s  /f:2\n"
            "resize.stall       0.25 s     /f:3\n"
            "resize.on_failure  restore    default\n"
            "resize.online      kernel     default\n"
            "resize.numa        any        default\n"
            "maximum of web*    8192 MiB   /f:6\n");
}

/// Twelve guests whose agents do not answer. A dead process left a record in each of them.
class SilentGuests : public testing::Test {
 protected:
  SilentGuests() {
    for (int each = 10; each < 22; ++each) {
      const resize::Record record{.owner = "a process that has ended",
                                  .size = 160_MiB,
                                  .present = 160_MiB,
                                  .limit = 160_MiB,
                                  .max_pages = 161_MiB,
                                  .to = 1_GiB};
      simulation_.world.add_guest({.name = "web" + std::to_string(each),
                                   .type = DomainType::pv,
                                   .journal = resize::to_text(record),
                                   .agent = {.conduct = host::sim::AgentConduct::killed}});
    }
  }

  /// Runs a command about all of them, and expects that it takes the time of one.
  std::string ask(const std::vector<std::string>& arguments) {
    const auto begun = simulation_.now();
    const scenario::Call& call = calls_.wait(calls_.start(arguments), {});
    EXPECT_GE(simulation_.now() - begun, std::chrono::seconds{5});
    EXPECT_LT(simulation_.now() - begun, std::chrono::seconds{6});
    return call.out();
  }

 private:
  test::Simulation simulation_{};
  scenario::Calls calls_{simulation_};
};

TEST_F(SilentGuests, AreAskedAtOnceByEachCommandAndToldInTheirOrder) {
  for (const char* command : {"status", "doctor", "recover"}) {
    SCOPED_TRACE(command);
    const std::string out = ask({command});
    std::size_t last = 0;
    for (int each = 10; each < 22; ++each) {
      const auto found = out.find("web" + std::to_string(each));
      ASSERT_NE(found, std::string::npos) << each;
      EXPECT_GE(found, last) << each;
      last = found;
    }
  }
}

TEST_F(SilentGuests, AreAskedOnceIfTheyAreNamedTwice) {
  const std::string out = ask({"recover", "web11", "web10", "web11", "--json"});
  EXPECT_EQ(out.find("busy"), std::string::npos) << out;
  EXPECT_LT(out.find("web11"), out.find("web10"));
}

/// A resize of web1 from 1 to 4 GiB, which is interrupted when the guest gets memory.
class InterruptedResize : public testing::Test {
 protected:
  InterruptedResize() {
    const auto guest = host::sim::parse_guest(
        R"({"name": "web1", "type": "pv", "memory": "1GiB", "populated_per_second": "1GiB"})");
    static_cast<void>(simulation_.world.try_add_guest(guest.value()).value());
  }

  const scenario::Call& resize(const std::vector<std::string>& options,
                               Interruption interruption = Interruption::cancel) {
    std::vector<std::string> arguments = {"resize", "web1", "4g", "--verbose"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const int call = calls_.start(arguments);
    calls_.wait(call, "reserve");
    calls_.pass(std::chrono::seconds{1});
    calls_.interrupt(call, interruption);
    return calls_.wait(call, {});
  }

 private:
  test::Simulation simulation_{};
  scenario::Calls calls_{simulation_};
};

TEST_F(InterruptedResize, GoesBackAndSaysSo) {
  const scenario::Call& call = resize({});
  EXPECT_EQ(call.status(), 130);
  EXPECT_EQ(call.out(), "");
  EXPECT_THAT(call.err(), HasSubstr("cancelling: back to 1024 MiB (Ctrl-C again stops now and "
                                    "leaves web1 half-way)\n"));
  EXPECT_THAT(call.err(), HasSubstr("\nmemctl: interrupted; web1 is back at 1024 MiB\n"));
}

TEST_F(InterruptedResize, KeepsWhatItHasIfAskedTo) {
  const scenario::Call& call = resize({"--on-failure", "keep"});
  EXPECT_EQ(call.status(), 5);
  EXPECT_THAT(call.err(), HasSubstr("cancelling (Ctrl-C again stops now and leaves web1"));
  EXPECT_THAT(call.err(), HasSubstr(" of 4096 MiB; kept there (--on-failure keep)\n"));
  EXPECT_THAT(call.err(), Not(HasSubstr("back")));
}

TEST_F(InterruptedResize, SaysHowToRecoverAfterASecondSignal) {
  const scenario::Call& call = resize({}, Interruption::leave);
  EXPECT_EQ(call.status(), 5);
  EXPECT_THAT(call.err(), HasSubstr("hint: to restore them: memctl recover web1\n"));
}

/// Resizes of several guests, which take some seconds.
class SeveralGuests : public testing::Test {
 protected:
  void add(const std::string& text) {
    const auto guest = host::sim::parse_guest(text);
    static_cast<void>(simulation_.world.try_add_guest(guest.value()).value());
  }
  void add_slow(const std::string& name) {
    add(R"({"name": ")" + name +
        R"(", "type": "pv", "memory": "1GiB", "populated_per_second": "1GiB"})");
  }

  test::Simulation simulation_{};
  scenario::Calls calls_{simulation_};
};

TEST_F(SeveralGuests, TakeTheTimeOfOne) {
  const std::vector<std::string> names = {"a", "b", "c", "d"};
  for (const std::string& name : names) add_slow(name);
  const auto begun = simulation_.now();
  const scenario::Call& call = calls_.wait(calls_.start({"resize", "--all", "4g"}), {});
  EXPECT_EQ(call.status(), 0) << call.err();
  EXPECT_GT(simulation_.now() - begun, std::chrono::seconds{3});
  EXPECT_LT(simulation_.now() - begun, std::chrono::seconds{6});
}

TEST_F(SeveralGuests, AreShownAsResizingByAnotherCall) {
  add_slow("a");
  const int resizing = calls_.start({"resize", "a", "4g"});
  calls_.pass(std::chrono::seconds{1});
  const scenario::Call& status = calls_.wait(calls_.start({"status"}), {});
  EXPECT_THAT(status.out(), testing::ContainsRegex("a +1 +pv +[0-9]+ +[0-9]+ +resizing +4096"));
  EXPECT_EQ(calls_.wait(resizing, {}).status(), 0);
}

TEST_F(SeveralGuests, AGuestThatEndsWhileTheTableIsMadeIsLeftOutUnlessItWasNamed) {
  add_slow("a");
  add(R"({"name": "silent", "type": "pv", "memory": "1GiB", "agent": "killed"})");
  const int every = calls_.start({"status"});
  const int named = calls_.start({"status", "silent", "a"});
  calls_.pass(std::chrono::seconds{1});
  simulation_.world.destroy(DomainId{2});
  const scenario::Call& table = calls_.wait(every, {});
  EXPECT_EQ(table.status(), 0) << table.err();
  EXPECT_THAT(table.out(), Not(HasSubstr("silent")));
  const scenario::Call& told = calls_.wait(named, {});
  EXPECT_EQ(told.status(), 3);
  EXPECT_THAT(told.out(), HasSubstr("\na "));
  EXPECT_EQ(std::ranges::count(told.err(), '\n'), 2) << told.err();
}

TEST_F(SeveralGuests, AllGoBackIfTheyAreInterrupted) {
  for (const char* name : {"a", "b", "c"}) add_slow(name);
  const int call = calls_.start({"resize", "--all", "4g"});
  calls_.pass(std::chrono::seconds{1});
  calls_.interrupt(call);
  const scenario::Call& ended = calls_.wait(call, {});
  EXPECT_EQ(ended.status(), 130);
  EXPECT_EQ(ended.out(), "");
  EXPECT_THAT(ended.err(), StartsWith("cancelling all that have not ended (Ctrl-C again"));
  for (const char* name : {"a", "b", "c"}) {
    EXPECT_THAT(ended.err(),
                HasSubstr(std::string{"memctl: interrupted; "} + name + " is back at 1024 MiB\n"));
  }
}

TEST_F(SeveralGuests, ASecondSignalTellsHowToRecoverEachThatHasNotEnded) {
  for (const char* name : {"a", "b"}) add_slow(name);
  add(R"({"name": "quick", "type": "pv", "memory": "4GiB"})");
  const int call = calls_.start({"resize", "a", "quick", "b", "4g"});
  calls_.wait(call, "quick: ");
  calls_.interrupt(call, Interruption::leave);
  const scenario::Call& ended = calls_.wait(call, {});
  EXPECT_EQ(ended.status(), 5);
  EXPECT_THAT(ended.out(), StartsWith("quick: is at 4096 MiB already"));
  EXPECT_THAT(ended.err(), HasSubstr("memctl recover a\n"));
  EXPECT_THAT(ended.err(), HasSubstr("memctl recover b\n"));
  EXPECT_THAT(ended.err(), Not(HasSubstr("memctl recover quick")));
}

TEST_F(SeveralGuests, ADomainThatEndsMeanwhileHasALineAndTheOthersGoOn) {
  for (const char* name : {"a", "b"}) add_slow(name);
  const int call = calls_.start({"resize", "a", "b", "4g"});
  calls_.pass(std::chrono::seconds{1});
  simulation_.world.destroy(DomainId{1});
  const scenario::Call& ended = calls_.wait(call, {});
  EXPECT_EQ(ended.status(), 6);
  EXPECT_THAT(ended.err(), StartsWith("memctl: a (ID 1) ended during the resize"));
  EXPECT_THAT(ended.err(), HasSubstr("(domain_gone)\n"));
  EXPECT_THAT(ended.out(), StartsWith("b: 1024 MiB -> 4096 MiB in "));
}

TEST_F(SeveralGuests, ThatThereIsNoneIsSaid) {
  const scenario::Call& call = calls_.wait(calls_.start({"resize", "--all", "4g"}), {});
  EXPECT_EQ(call.status(), 0);
  EXPECT_EQ(call.out(), "no guest runs: nothing to do\n");
  EXPECT_EQ(calls_.wait(calls_.start({"plan", "--all", "4g", "--json"}), {}).out(), "");
}

TEST_F(SeveralGuests, OneThatBootsIsWaitedFor) {
  add(R"({"name": "boots", "type": "pv", "memory": "1GiB", "booted": false, "boot_time": 20})");
  const scenario::Call& refused = calls_.wait(calls_.start({"plan", "boots", "2g"}), {});
  EXPECT_EQ(refused.status(), 3);
  const auto begun = simulation_.now();
  const scenario::Call& call =
      calls_.wait(calls_.start({"resize", "boots", "2g", "--wait-agent", "1min"}), {});
  EXPECT_EQ(call.status(), 0) << call.err();
  EXPECT_LT(simulation_.now() - begun, std::chrono::seconds{40});
}

}  // namespace
}  // namespace memctl::cli
