// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What one resize costs the host, by kind. A count that goes up fails here: look whether the new
// call is needed. A count that went down is a gain: write it into the table.
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <vector>

#include "operation_fixture.hpp"
#include "support/faults.hpp"

namespace memctl::resize::counted {
namespace {

using host::sim::GuestSpec;
using namespace std::chrono_literals;

struct Counts {
  int stages{};
  int libxl{};       ///< Calls of libxl's, which take its lock of the domain.
  int hypercalls{};  ///< The others, of libxenctrl's.
  int processes{};   ///< Looks for a save, through dom0's processes at most.
  int reads{};       ///< Requests to xenstore; those within a transaction too.
  int writes{};
  int transactions{};
  int watches{};
  int events{};   ///< Changes that a watch told of.
  int wakeups{};  ///< Ends of a wait, by an event or by time.
  friend bool operator==(const Counts&, const Counts&) = default;
};

std::ostream& operator<<(std::ostream& out, const Counts& counts) {
  return out << "{" << counts.stages << ", " << counts.libxl << ", " << counts.hypercalls << ", "
             << counts.processes << ", " << counts.reads << ", " << counts.writes << ", "
             << counts.transactions << ", " << counts.watches << ", " << counts.events << ", "
             << counts.wakeups << "}";
}

struct Case {
  const char* name;
  DomainType type;
  GuestSpec guest;
  std::vector<Kib> sizes;  ///< The last one is counted.
  Counts counts{};
};

GuestSpec guest(Kib memory, Kib per_second = {}, std::optional<Kib> free = {}) {
  return {.memory = memory, .linux = {.kernel_free = free, .populated_per_second = per_second}};
}

/// Resizes a new guest to each of the sizes, and counts what the last one costs.
Counts count(const Case& what) {
  test::Simulation simulation;
  GuestSpec spec = what.guest;
  spec.type = what.type;
  const DomainId id = simulation.world.add_guest(spec);
  Counts counts;
  for (const Kib size : what.sizes) {
    test::FaultPlan calls;
    test::FaultyPort port{simulation.port(), simulation.world, calls};
    ResizeOperation operation{
        port, {.id = id, .name = spec.name, .type = spec.type}, size, ResizeOptions{}};
    const auto report = simulation.run(operation.run());
    EXPECT_TRUE(report) << what.name << ": " << report.error().message;
    if (!report) return {};
    const auto made = [&](std::initializer_list<const char*> names) {
      return static_cast<int>(std::ranges::count_if(calls.calls(), [&](const std::string& call) {
        const std::string plain = call.substr(call.find('.') + 1);
        return std::ranges::find(names, plain) != names.end();
      }));
    };
    counts = {.stages = report.value().stages,
              .libxl = made({"domain_facts", "set_limit", "set_size", "set_frozen_pool"}),
              .hypercalls = made({"uuid", "domain_memory", "host_facts", "set_max_pages", "claim",
                                  "release_claim", "set_pool"}),
              .processes = made({"save_in_progress"}),
              .reads = made({"read"}),
              .writes = made({"write", "remove", "set_permissions"}),
              .transactions = made({"transact"}),
              .watches = made({"watch"}),
              .events = calls.events(),
              .wakeups = calls.wakeups()};
    simulation.world.advance(10s);
  }
  return counts;
}

constexpr DomainType pv = DomainType::pv;
constexpr DomainType pvh = DomainType::pvh;

// The columns are those of `Counts`.
const std::vector<Case> cases{
    {"grow", pvh, guest(160_MiB), {1_GiB}, {1, 4, 31, 11, 34, 9, 5, 3, 8, 22}},
    {"grow pv", pv, guest(160_MiB), {1_GiB}, {1, 4, 26, 7, 34, 9, 5, 3, 8, 18}},
    {"grow far", pvh, guest(1_GiB), {3_GiB}, {1, 4, 41, 20, 36, 9, 5, 3, 9, 32}},
    {"grow starving",
     pvh,
     guest(160_MiB, {}, 12_MiB),
     {1_GiB},
     {2, 7, 43, 13, 49, 10, 6, 3, 12, 32}},
    {"grow starving pv",
     pv,
     guest(160_MiB, {}, 5_MiB),
     {3584_MiB},
     {2, 7, 50, 22, 57, 10, 6, 3, 16, 41}},
    {"grow again", pvh, guest(1_GiB), {700_MiB, 1_GiB}, {1, 2, 20, 5, 28, 9, 5, 3, 7, 13}},
    {"shrink a little", pvh, guest(1_GiB), {900_MiB}, {1, 2, 16, 3, 28, 9, 5, 3, 8, 15}},
    {"shrink", pvh, guest(160_MiB), {2_GiB, 1_GiB}, {2, 3, 43, 12, 69, 10, 6, 3, 27, 40}},
    {"shrink far", pvh, guest(160_MiB), {3_GiB, 400_MiB}, {4, 5, 88, 29, 139, 10, 6, 3, 60, 81}},
    {"shrink far pv", pv, guest(160_MiB), {3_GiB, 400_MiB}, {4, 5, 63, 16, 90, 11, 7, 3, 35, 57}},
    {"stay", pvh, guest(1_GiB), {1_GiB}, {0, 1, 5, 1, 17, 8, 4, 3, 4, 4}},
};

TEST(ResizeCounts, AreThoseOfTheTable) {
  for (const Case& each : cases) EXPECT_EQ(count(each), each.counts) << each.name;
}

// A guest with n times the speed takes as long for n times the way, give or take a look or a
// report.
TEST(ResizeCounts, DoNotGrowWithTheSize) {
  const auto regrown = [](int times) {
    const Kib whole = 1_GiB * times;
    return count({"regrown", pv, guest(whole, 512_MiB * times), {whole / 2, whole}});
  };
  const Counts once = regrown(1);
  for (const int times : {2, 4, 8, 16}) {
    const Counts more = regrown(times);
    EXPECT_EQ(more.stages, once.stages);
    EXPECT_EQ(more.libxl, once.libxl);
    EXPECT_EQ(more.writes, once.writes);
    EXPECT_EQ(more.transactions, once.transactions);
    EXPECT_LE(more.reads, once.reads + 2);
    EXPECT_LE(more.wakeups, once.wakeups + 3);
    EXPECT_EQ(more.hypercalls - more.wakeups, once.hypercalls - once.wakeups);
  }
}

// More blocks come online in more time, and so in more reports.
TEST(ResizeCounts, GrowWithTheBlocksOnlyByTheReportsThatTellOfThem) {
  const auto grown = [](int times) {
    return count({"grown", pv, guest(1_GiB, 1_GiB * times), {1_GiB + 1_GiB * times}});
  };
  const Counts once = grown(1);
  for (const int times : {2, 4, 8}) {
    const Counts more = grown(times);
    EXPECT_EQ(more.stages, once.stages);
    EXPECT_EQ(more.libxl, once.libxl);
    EXPECT_EQ(more.writes, once.writes);
    EXPECT_EQ(more.transactions, once.transactions);
    EXPECT_LE(more.events, once.events + 3);
    EXPECT_LE(more.wakeups, once.wakeups + 5);
    EXPECT_EQ(more.reads - 2 * more.events, once.reads - 2 * once.events);
    EXPECT_EQ(more.hypercalls - more.wakeups, once.hypercalls - once.wakeups);
  }
}

// The balloon is so fast that no stage takes long: reports come with time.
TEST(ResizeCounts, GrowByTheSameWithEachStageOfAShrink) {
  const auto shrunk = [](Kib to) {
    return count({"shrunk", pvh, guest(160_MiB, 200_GiB), {8_GiB, to}});
  };
  const Counts few = shrunk(8_GiB - 12_MiB);
  const Counts many = shrunk(480_MiB);
  const int more = many.stages - few.stages;
  ASSERT_GT(more, 3);
  EXPECT_EQ(many.libxl - few.libxl, more);
  EXPECT_LE(many.transactions - few.transactions, more) << "one question at most";
  EXPECT_EQ(many.watches, few.watches);
  // Two hypercalls, before the stage and before its target, and a look at each end of a wait.
  EXPECT_LE((many.hypercalls - many.wakeups) - (few.hypercalls - few.wakeups), 2 * more);
  EXPECT_LE(many.wakeups - few.wakeups, 8 * more);
  EXPECT_LE((many.reads - 2 * many.events) - (few.reads - 2 * few.events), 3 * more);
}

// Each page that comes looks like progress, so only the pace between two looks bounds them.
TEST(ResizeCounts, AreFewForAGuestThatSwaysJustBelowItsGoal) {
  for (const auto interval : {1ms, 7ms, 30ms, 200ms}) {
    test::Simulation simulation;
    auto& world = simulation.world;
    GuestSpec spec = guest(160_MiB);
    spec.linux.online_fails = true;
    const DomainId id = world.add_guest(spec);
    const Swaying swaying{world, id, interval};
    test::FaultPlan calls;
    test::FaultyPort port{simulation.port(), world, calls};
    ResizeOperation operation{
        port, {.id = id, .name = spec.name}, 160_MiB + 128_KiB, {.timeout = 20s, .stall = 60s}};
    EXPECT_FALSE(simulation.run(operation.run()));
    const auto looks = std::ranges::count_if(
        calls.calls(), [](const std::string& call) { return call.ends_with("domain_memory"); });
    EXPECT_LE(looks, 20 * 20) << interval / 1ms << " ms";
  }
}

}  // namespace
}  // namespace memctl::resize::counted
