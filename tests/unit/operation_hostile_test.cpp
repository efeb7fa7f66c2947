// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How much work a hostile guest can make for dom0, and whom it can hold up. A guest chooses its
// reports and when it writes them, and so how often dom0 looks at it and how many stages it takes.
#include <gmock/gmock.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "guest/session.hpp"
#include "operation_fixture.hpp"
#include "support/faults.hpp"

namespace memctl::resize {
namespace {

using host::sim::AgentConduct;
using host::sim::GuestSpec;
using testing::AnyOf;
using testing::HasSubstr;
using namespace std::chrono_literals;

/// How many of the times lie within one second, at most.
int most_in_a_second(const std::vector<host::TimePoint>& times) {
  std::ptrdiff_t most = 0;
  auto first = times.begin();
  for (auto last = times.begin(); last != times.end(); ++last) {
    while (*last - *first >= 1s) ++first;
    most = std::max(most, last - first + 1);
  }
  return static_cast<int>(most);
}

/// When the port was called by this name.
std::vector<host::TimePoint> times_of(const test::FaultPlan& port, const std::string& call) {
  std::vector<host::TimePoint> times;
  for (std::size_t i = 0; i < port.calls().size(); ++i) {
    if (port.calls()[i] == call) times.push_back(port.times()[i]);
  }
  return times;
}

class HostileGuest : public OperationOnSim {
 protected:
  Result<Report> resize_counted(DomainId id, Kib size) {
    const auto count = [this](const Event&) { events.push_back(simulation.now()); };
    ResizeOperation operation{port, identity(id), size, {.on_event = count}};
    return simulation.run(operation.run());
  }
  [[nodiscard]] int most(const std::string& call) const {
    return most_in_a_second(times_of(calls, call));
  }
  void expect_sixteen_small_stages(AgentConduct conduct) {
    const DomainId id = add({.linux = {.online_policy = "online", .kernel_free = 12_MiB},
                             .agent = {.conduct = conduct}});
    const auto report = resize_counted(id, 672_MiB);
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().cause, Cause::stalled) << report.error().message;
    EXPECT_THAT(
        report.error().message,
        HasSubstr(
            "not come nearer to 672 MiB: 16 stages gained less than 4 MiB over the best so far"));
    EXPECT_LE(report.error().report->stages, 20);
    EXPECT_LE(times_of(calls, "set_size").size(), 25U);
    expect_nothing_is_left(id);
  }
  void expect_nothing_is_left(DomainId id) {
    EXPECT_EQ(simulation.world.host_claimed(), Kib{});
    EXPECT_FALSE(journal_stands(id));
  }

  test::FaultPlan calls{};
  test::FaultyPort port{simulation.port(), simulation.world, calls};
  std::vector<host::TimePoint> events{};
};

INSTANTIATE_TEST_SUITE_P(Types, HostileGuest, testing::Values(DomainType::pv, DomainType::pvh),
                         [](const auto& type) { return std::string{name(type.param)}; });

TEST_P(HostileGuest, ThatWouldGrowPageByPageGetsSixteenSmallStages) {
  expect_sixteen_small_stages(AgentConduct::dripping);
}

TEST_P(HostileGuest, ThatOwesMemoryForEverGetsSixteenSmallStages) {
  expect_sixteen_small_stages(AgentConduct::owing);
}

TEST_P(HostileGuest, GetsAThousandStagesAtMost) {
  const DomainId id = add();
  bool begun = false;
  simulation.world.guest(id).agent().distort([&](AgentReport& report) {
    if (!begun) return;
    report.kernel_zone_free = report.kernel_zone_reclaimable = Kib{};
    report.balloon_inflated = 4_MiB;
  });
  const auto look = [&](const Event& event) {
    begun = begun || event.stage > 0;
    events.push_back(simulation.now());
  };
  ResizeOperation operation{port, identity(id), 8_GiB, {.on_event = look}};
  const auto report = simulation.run(operation.run());
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::stalled) << report.error().message;
  EXPECT_THAT(report.error().message,
              HasSubstr("after 1024 stages the guest was still on the way to 8192 MiB"));
  EXPECT_EQ(report.error().report->stages, 1024);
  EXPECT_LE(most_in_a_second(events), 90) << "40 in a row, 40 a second, and the other phases";
  expect_nothing_is_left(id);
}

TEST_P(HostileGuest, ThatWouldShrinkPageByPageIsRefusedTheFirstSmallStage) {
  const DomainId id = add({.memory = 2_GiB, .agent = {.conduct = AgentConduct::dripping}});
  const auto report = resize_counted(id, 1_GiB);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::guest_pressure) << report.error().message;
  EXPECT_LE(report.error().report->stages, 3);
  EXPECT_LE(times_of(calls, "set_size").size(), 6U);
  expect_nothing_is_left(id);
}

TEST_P(HostileGuest, ThatChattersIsLookedAtHardlyMoreOftenThanAGoodOne) {
  const DomainId id = add({.agent = {.conduct = AgentConduct::chattering}});
  const auto report = resize_counted(id, 1_GiB);
  ASSERT_FALSE(report);
  EXPECT_THAT(report.error().cause,
              AnyOf(Cause::stalled, Cause::guest_offline_blocks, Cause::guest_balloon_gave_up));
  EXPECT_GT(simulation.world.guest(id).agent().reports_written(), 20'000);
  EXPECT_LE(most("domain_memory"), 150);
  EXPECT_LE(most("read"), 300);
  EXPECT_LE(most_in_a_second(events), 60);
  expect_nothing_is_left(id);
}

TEST_P(HostileGuest, ThatChattersAndNeverAnswersIsReadHardlyMoreOften) {
  const DomainId id = add({.agent = {.conduct = AgentConduct::chattering}});
  auto& agent = simulation.world.guest(id).agent();
  agent.distort([](AgentReport& report) { report.request = 0; });
  const auto status = simulation.run(status_of(port, identity(id), Question{}));
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_FALSE(status.value().agent) << "it did not answer";
  EXPECT_GT(agent.reports_written(), 4'000);
  EXPECT_LE(most("read"), 200);
}

TEST_P(HostileGuest, WhoseMemTotalNeverShowsTheMemoryIsNotAskedAgainAtOnce) {
  const DomainId id = add();
  simulation.world.guest(id).agent().distort(
      [](AgentReport& report) { report.mem_total = 100_MiB; });
  const auto report = resize_counted(id, 1_GiB);
  ASSERT_FALSE(report);
  EXPECT_THAT(report.error().message, HasSubstr("does not show the memory"));
  EXPECT_LE(most("transact"), 20);
}

/// Forty good guests, whose resizes begin one after the other, and any number of hostile ones,
/// which are resized again and again meanwhile. Each call of the port takes the host's one thread
/// for a while.
class CrowdedHost {
 public:
  explicit CrowdedHost(const std::vector<AgentConduct>& hostile) {
    plan_.each_call_takes(100us);
    for (int i = 0; i < good_guests; ++i) {
      add({.name = "good" + std::to_string(i),
           .type = i % 2 == 0 ? DomainType::pv : DomainType::pvh,
           .memory = 512_MiB});
    }
    for (const AgentConduct conduct : hostile) {
      add({.name = "hostile" + std::to_string(static_cast<int>(conduct)),
           .type = DomainType::pv,
           .linux = {.online_policy = "online", .kernel_free = 12_MiB},
           .agent = {.conduct = conduct}});
    }
  }

  /// How long the good guests' resizes took, growing and shrinking.
  std::vector<std::chrono::milliseconds> run() {
    for (std::size_t i = good_guests; i < guests_.size(); ++i) start(resize_for_ever(guests_[i]));
    for (std::size_t i = 0; i < good_guests; ++i) {
      took_.emplace_back();
      start(resize_once(guests_[i], i));
    }
    simulation_.connection.run_until([this] { return good_under_way_ == 0; });
    EXPECT_EQ(good_under_way_, 0);
    calls_ = plan_.calls().size();
    time_ = simulation_.now() - begun_;
    over_ = true;
    simulation_.connection.run_until([this] { return hostile_under_way_ == 0; });
    return took_;
  }
  /// How often the port was called until the last good guest's resize had ended.
  [[nodiscard]] double calls() const { return static_cast<double>(calls_); }
  [[nodiscard]] double seconds() const { return std::chrono::duration<double>{time_}.count(); }

 private:
  static constexpr int good_guests = 40;

  void add(const GuestSpec& spec) {
    const DomainId id = simulation_.world.add_guest(spec);
    guests_.push_back({.id = id, .name = spec.name, .type = spec.type});
  }
  void start(boost::asio::awaitable<void> coroutine) {
    boost::asio::co_spawn(simulation_.context, std::move(coroutine), boost::asio::detached);
  }
  boost::asio::awaitable<Result<Report>> resize(const DomainIdentity& guest, Kib size) {
    ResizeOperation operation{port_, guest, size, {}};
    co_return std::move(*co_await operation.run());
  }
  boost::asio::awaitable<void> resize_for_ever(DomainIdentity guest) {
    ++hostile_under_way_;
    host::Wakeup nobody;
    while (!over_) {
      static_cast<void>(co_await resize(guest, 4_GiB));
      co_await port_.clock().wait(nobody, simulation_.now() + 1s);
    }
    --hostile_under_way_;
  }
  boost::asio::awaitable<void> resize_once(DomainIdentity guest, std::size_t number) {
    host::Wakeup nobody;
    co_await port_.clock().wait(nobody, simulation_.now() + static_cast<int>(number) * 100ms);
    for (const Kib size : {4_GiB, 1_GiB}) {
      const auto report = co_await resize(guest, size);
      EXPECT_TRUE(report) << report.error().message;
      if (report) took_[number] += report.value().elapsed;
    }
    --good_under_way_;
  }

  std::vector<DomainIdentity> guests_{};
  test::Simulation simulation_{host::sim::WorldSpec{.host = 400_GiB}};
  test::FaultPlan plan_{};
  test::FaultyPort port_{simulation_.port(), simulation_.world, plan_};
  std::vector<std::chrono::milliseconds> took_{};
  host::TimePoint begun_{simulation_.now()};
  int good_under_way_{good_guests};
  int hostile_under_way_{0};
  std::size_t calls_{0};
  host::Duration time_{};
  bool over_{false};
};

TEST(FourHostileGuests, HoldUpNoneOfFortyGoodOnes) {
  CrowdedHost quiet{std::vector<AgentConduct>{}};
  const auto alone = quiet.run();
  CrowdedHost crowded{std::vector{AgentConduct::chattering, AgentConduct::flooding,
                                  AgentConduct::dripping, AgentConduct::owing}};
  const auto beside = crowded.run();
  ASSERT_EQ(beside.size(), alone.size());
  for (std::size_t i = 0; i < alone.size(); ++i) {
    EXPECT_LE(beside[i], alone[i] + guest::answer_time) << "good" << i;
    EXPECT_LE(beside[i], alone[i] * 3 / 2) << "good" << i;
  }
  const auto more = crowded.calls() - quiet.calls();
  EXPECT_LE(more / crowded.seconds(), 4 * 400);
}

}  // namespace
}  // namespace memctl::resize
