// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How an operation wakes a guest's balloon, which sleeps for a second after it has added blocks:
// it first asks for one page less than the stage's size, and for the whole size once all of the
// stage's blocks are online.
#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "operation_fixture.hpp"

namespace memctl::resize {
namespace {

using host::sim::AgentConduct;
using host::sim::GuestSpec;
using testing::ElementsAre;
using namespace std::chrono_literals;

/// A target, and the guest's blocks when it was set.
struct Asked {
  Kib size{};
  std::int64_t online{};
  std::int64_t offline{};
};

class Nudge : public OperationOnSim {
 protected:
  /// Notes each target that is set from now on.
  void listen(DomainId id) {
    guest_ = id;
    asked.clear();
    blocks_before = kernel().blocks_present();
    last_ = simulation.world.target(id);
    watch_ = simulation.world.store().watch(host::sim::domain_path(id) + "/memory/target",
                                            [this](const std::string&) { note(); });
  }
  host::sim::LinuxGuest& kernel() { return simulation.world.guest(guest_).kernel(); }
  [[nodiscard]] std::vector<Kib> sizes() const {
    std::vector<Kib> all;
    for (const Asked& each : asked) all.push_back(each.size);
    return all;
  }

  std::vector<Asked> asked{};
  std::int64_t blocks_before{};
  std::function<void(Kib)> on_target{};

 private:
  void note() {
    const auto target = simulation.world.target(guest_);
    if (!target || target == last_) return;
    last_ = target;
    const std::int64_t offline = kernel().blocks_offline();
    asked.push_back({*target, kernel().blocks_present() - offline, offline});
    if (on_target) on_target(*target);
  }

  DomainId guest_{};
  std::optional<Kib> last_{};
  host::sim::StoreModel::Registration watch_{};
};

INSTANTIATE_TEST_SUITE_P(Types, Nudge, testing::Values(DomainType::pv, DomainType::pvh),
                         [](const auto& type) { return std::string{name(type.param)}; });

TEST_P(Nudge, ComesOnceWhenTheLastOfTheBlocksIsOnline) {
  // 56 blocks come online one by one, in more time than lies between two reports.
  const DomainId id = add({.memory = 1_GiB});
  listen(id);
  const auto report = resize(id, 8_GiB);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report.value().stages, 1);
  ASSERT_THAT(sizes(), ElementsAre(8_GiB - 4_KiB, 8_GiB));
  EXPECT_EQ(asked[0].online, blocks_before);
  EXPECT_EQ(asked[1].online, blocks_before + 56);
  EXPECT_EQ(asked[1].offline, 0);
  EXPECT_EQ(simulation.world.populated(id), 8_GiB);
}

TEST_P(Nudge, SavesTheBalloonsSecond) {
  const DomainId id = add({.linux = {.populated_per_second = 100_GiB}});
  listen(id);
  const auto report = resize(id, 1_GiB);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_LT(report.value().elapsed, 150ms);
}

TEST_P(Nudge, ThatIsMissedCostsTheSecond) {
  const DomainId id = add({.linux = {.populated_per_second = 100_GiB}});
  listen(id);
  simulation.world.guest(id).agent().distort([](AgentReport& report) { --report.blocks_online; });
  const auto report = resize(id, 1_GiB);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_THAT(sizes(), ElementsAre(1_GiB - 4_KiB, 1_GiB));
  EXPECT_GT(report.value().elapsed, 1s);
  EXPECT_LT(report.value().elapsed, 1300ms);
  EXPECT_EQ(simulation.world.populated(id), 1_GiB);
}

TEST_P(Nudge, ComesInEachStageThatAddsBlocks) {
  const DomainId id = add({.linux = {.kernel_free = 12_MiB}});
  listen(id);
  const auto report = resize(id, 3584_MiB);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_GT(report.value().stages, 1);
  EXPECT_EQ(asked.size(), 2U * static_cast<std::size_t>(report.value().stages));
  EXPECT_TRUE(std::ranges::is_sorted(sizes()));
  for (std::size_t i = 1; i < asked.size(); i += 2) {
    EXPECT_EQ(asked[i].size - asked[i - 1].size, 4_KiB);
    EXPECT_EQ(asked[i].offline, 0);
  }
}

TEST_P(Nudge, NeverComesWhileABlockIsOffline) {
  const DomainId id = add({.linux = {.online_fails = true}});
  listen(id);
  const auto report = resize(id, 1_GiB, {.stall = 3s});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::guest_offline_blocks) << report.error().message;
  EXPECT_THAT(sizes(), ElementsAre(1_GiB - 4_KiB, 160_MiB));
}

TEST_P(Nudge, IsLeftOutIfTheLastPageNeedsABlockOfItsOwn) {
  for (const Kib more : {-8_KiB, -4_KiB, 0_KiB, 4_KiB, 8_KiB, 132_KiB}) {
    const Kib size = 288_MiB + more;
    const DomainId id = add({.name = "g" + to_string(size)});
    listen(id);
    const auto report = resize(id, size);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(simulation.world.populated(id), size);
    EXPECT_EQ(report.value().stages, 1);
    if (more == 4_KiB) {
      EXPECT_THAT(sizes(), ElementsAre(size));
    } else {
      EXPECT_THAT(sizes(), ElementsAre(size - 4_KiB, size));
    }
  }
}

TEST_P(Nudge, IsLeftOutWithoutAnAgentAndWithoutBlocks) {
  const DomainId silent = add({.name = "silent", .linux = {.online_policy = "online_kernel"}});
  listen(silent);
  ASSERT_TRUE(resize(silent, 1_GiB, {.agentless = true}));
  EXPECT_THAT(sizes(), ElementsAre(288_MiB, 544_MiB, 1_GiB));

  const DomainId regrown = add({.name = "regrown", .memory = 1_GiB});
  ASSERT_TRUE(resize(regrown, 900_MiB));
  listen(regrown);
  ASSERT_TRUE(resize(regrown, 1_GiB));
  EXPECT_THAT(sizes(), ElementsAre(1_GiB));
}

TEST_P(Nudge, OfAGuestThatClaimsItsBlocksTooEarlyComesOnceAndDoesNoHarm) {
  auto& world = simulation.world;
  const DomainId id = add({.linux = {.online_fails = true}});
  listen(id);
  world.guest(id).agent().distort([&](AgentReport& report) {
    if (world.target(id) == 160_MiB) return;
    report.blocks_present += 100;
    report.blocks_online = report.blocks_present;
    report.blocks_added_offline = 0;
  });
  const auto report = resize(id, 1_GiB, {.stall = 3s});
  ASSERT_FALSE(report);
  EXPECT_THAT(sizes(), ElementsAre(1_GiB - 4_KiB, 1_GiB, 160_MiB));
  EXPECT_EQ(report.error().report->outcome, Outcome::restored);
  EXPECT_TRUE(world.guest(id).alive());
}

TEST_P(Nudge, DoesNotComeOnceTheResizeIsCancelled) {
  const DomainId id = add();
  listen(id);
  const Limits before = limits(id);
  ResizeOperation operation{simulation.port(), identity(id), 1_GiB, {}};
  on_target = [&](Kib target) {
    if (target == 1_GiB - 4_KiB) operation.cancel();
  };
  const auto report = simulation.run(operation.run());
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().report->outcome, Outcome::restored);
  EXPECT_THAT(sizes(), ElementsAre(1_GiB - 4_KiB, 160_MiB));
  Limits after = limits(id);
  after.pool = before.pool;
  EXPECT_EQ(after, before);
}

TEST_P(Nudge, DoesNotComeOnceAnotherToolHasSetATarget) {
  auto& world = simulation.world;
  const DomainId id = add();
  listen(id);
  on_target = [&](Kib target) {
    if (target != 1_GiB - 4_KiB) return;
    world.after(1ms, [&] { ASSERT_TRUE(world.write_target(id, 1_GiB - 8_KiB)); });
  };
  const auto report = resize(id, 1_GiB);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::superseded) << report.error().message;
  EXPECT_THAT(sizes(), ElementsAre(1_GiB - 4_KiB, 1_GiB - 8_KiB));
}

TEST_P(Nudge, WakesABalloonThatGaveUpOnTheSameSizeInOneStage) {
  const DomainId id = add({.linux = {.online_policy = "online_kernel"}});
  auto& world = simulation.world;
  ASSERT_TRUE(world.mem_max(id, 2_GiB));
  world.take_host_memory(world.host_free() - 100_MiB);
  ASSERT_TRUE(world.mem_set(id, 2_GiB));
  world.advance(60s);
  world.take_host_memory(-32_GiB);
  listen(id);
  const auto report = resize(id, 2_GiB);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report.value().stages, 1);
  EXPECT_THAT(sizes(), ElementsAre(2_GiB - 4_KiB, 2_GiB));
}

}  // namespace
}  // namespace memctl::resize
