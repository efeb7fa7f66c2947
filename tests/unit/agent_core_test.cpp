// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/core/agent_core.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>

#include "agent/locked_ballast.hpp"
#include "agent/record_file.hpp"
#include "agent/sysfs_kernel.hpp"
#include "agent_fixture.hpp"

namespace memctl::agent {
namespace {

using namespace std::chrono_literals;

/// A kernel made of files, except for the guest's free memory.
class TestKernel final : public SysfsKernel {
 public:
  using SysfsKernel::SysfsKernel;
  [[nodiscard]] Kib free_memory() const override { return free; }
  int online(std::uint32_t block, OnlineZone zone) override {
    if (before_online) before_online();
    return SysfsKernel::online(block, zone);
  }
  void scan(std::vector<Block>& blocks) override {
    ++scans;
    SysfsKernel::scan(blocks);
  }
  Kib free{1_GiB};
  int scans{0};
  std::function<void()> before_online;
};

class AgentCoreTest : public test::AgentFixture, private Outbox, private Process {
 protected:
  AgentCoreTest() { start(std::nullopt); }

  /// Starts an agent. If another agent ran before, it was killed.
  void start(const std::optional<AgentRequest>& standing) {
    reports_.clear();
    core_.reset();
    ballast_ = std::make_unique<LockedBallast>();
    core_ = std::make_unique<AgentCore>(Surroundings{.kernel = kernel_,
                                                     .ballast = *ballast_,
                                                     .records = records_,
                                                     .outbox = *this,
                                                     .process = *this});
    core_->start(standing);
  }
  void ask(RequestKind kind, std::uint64_t sequence, std::uint64_t operation = 7) {
    core_->request(request(kind, sequence, operation));
  }
  /// Lets time pass, and calls the core when it asks for that.
  void pass(Time time) {
    const Time end = now_ + time;
    while (core_->next_wake() && *core_->next_wake() <= end) {
      now_ = std::max(now_ + 1ms, *core_->next_wake());
      core_->tick();
    }
    now_ = std::max(now_, end);
  }
  /// The balloon gives memory back for so long.
  void give_back(Time time) {
    for (const Time end = now_ + time; now_ < end; pass(AgentCore::poll_fastest)) {
      guest_.set_balloon(81920, balloon_kib_ -= 4);
    }
  }
  const AgentReport& last() const { return reports_.back(); }

  TestKernel kernel_{guest_.root()};
  RecordFile records_{directory_.path().string()};
  Time now_{100s};
  Time cpu_time_{};
  Time report_cost_{};
  long balloon_kib_{163840};
  std::vector<AgentReport> reports_;
  std::unique_ptr<LockedBallast> ballast_;
  std::unique_ptr<AgentCore> core_;

 private:
  void publish(const AgentReport& report) override {
    reports_.push_back(report);
    cpu_time_ += report_cost_;
  }
  [[nodiscard]] Time now() const override { return now_; }
  [[nodiscard]] Time cpu_time() const override { return cpu_time_; }
  void log(const std::string& line) override { EXPECT_FALSE(line.empty()); }
};

TEST_F(AgentCoreTest, is_silent_and_wants_no_wakeup_while_idle) {
  EXPECT_EQ(core_->next_wake(), std::nullopt);
  core_->memory_changed();
  now_ += 1h;
  core_->tick();
  EXPECT_TRUE(reports_.empty());
}

TEST_F(AgentCoreTest, counts_what_it_will_lend_as_free_and_lends_it_while_it_serves) {
  const Kib free = 4_KiB * 19907;
  ask(RequestKind::observe, 1);
  EXPECT_EQ(last().kernel_zone_free, free + Ballast::size);
  ask(RequestKind::prepare, 2);
  EXPECT_EQ(last().kernel_zone_free, free) << "the kernel's own figure has it now";
  ask(RequestKind::release, 3);
  EXPECT_EQ(last().kernel_zone_free, free + Ballast::size);
}

/// A process gets high memory if there is any, so that is what the agent lends.
TEST_F(AgentCoreTest, counts_what_it_will_lend_as_high_memory_in_a_kernel_that_has_some) {
  guest_.set("proc/zoneinfo", std::string{test::FakeGuest::zoneinfo} +
                                  "Node 0, zone  HighMem\n      nr_free_pages 500\n");
  ask(RequestKind::observe, 1);
  EXPECT_EQ(last().kernel_zone_free, 4_KiB * 19907);
  EXPECT_EQ(last().highmem_free, 4_KiB * 500 + Ballast::size);
  ask(RequestKind::prepare, 2);
  EXPECT_EQ(last().highmem_free, 4_KiB * 500);
}

TEST_F(AgentCoreTest, leaves_added_memory_of_a_32_bit_kernel_where_the_kernel_put_it) {
  const test::AsI686 machine;
  guest_.add_block(32, "offline\n", "HighMem\n");
  ask(RequestKind::prepare, 1);
  EXPECT_EQ(guest_.policy(), "online");
  EXPECT_EQ(guest_.state(32), "online");
  ask(RequestKind::release, 2);
  EXPECT_EQ(guest_.policy(), "offline");
}

TEST_F(AgentCoreTest, lends_to_a_guest_that_has_little_left_before_it_answers) {
  kernel_.free = Ballast::little - 4_KiB;
  ask(RequestKind::observe, 1);
  EXPECT_EQ(last().kernel_zone_free, 4_KiB * 19907) << "the kernel's own figure, and nothing held";
}

TEST_F(AgentCoreTest, makes_a_record_that_was_removed_again) {
  const auto record = directory_.path() / "policy";
  ASSERT_TRUE(std::filesystem::exists(record)) << "from the start on";
  std::filesystem::remove(record);
  ask(RequestKind::prepare, 1);
  EXPECT_TRUE(std::filesystem::exists(record));
}

TEST_F(AgentCoreTest, a_guest_that_is_short_of_memory_keeps_what_was_lent) {
  ask(RequestKind::prepare, 1);
  guest_.set("proc/zoneinfo",
             "Node 0, zone    DMA32\n  pages free     2000\n      nr_free_pages 2000\n");
  ask(RequestKind::release, 2);
  EXPECT_EQ(last().kernel_zone_free, 4_KiB * 2000);
}

TEST(Ballast, takes_as_much_memory_as_it_says_and_gives_it_back) {
  const auto resident = [] {
    std::ifstream statm{"/proc/self/statm"};
    std::int64_t total = 0;
    std::int64_t pages = 0;
    statm >> total >> pages;
    return Kib{pages * 4};
  };
  LockedBallast ballast;
  ballast.take(Ballast::plenty - 4_KiB);
  EXPECT_EQ(ballast.held(), Kib{});
  const Kib before = resident();
  ballast.take(Ballast::plenty);
  EXPECT_EQ(ballast.held(), Ballast::size);
  EXPECT_GE(resident() - before, Ballast::size);
  ballast.lend();
  EXPECT_EQ(ballast.held(), Kib{});
  EXPECT_LE(resident() - before, Ballast::size / 2);
}

TEST_F(AgentCoreTest, observe_gives_one_fresh_report_and_changes_nothing) {
  guest_.add_block(9, "offline\n", "Normal\n");
  ask(RequestKind::observe, 1);
  ASSERT_EQ(reports_.size(), 1u);
  EXPECT_EQ(last().operation, 7u);
  EXPECT_EQ(last().request, 1u);
  EXPECT_EQ(last().phase, AgentPhase::idle);
  EXPECT_EQ(last().blocks_present, 3);
  EXPECT_EQ(last().blocks_online, 2);
  EXPECT_EQ(last().mem_total, Kib{129124});
  EXPECT_EQ(last().balloon_current, Kib{163840});
  EXPECT_EQ(last().balloon_inflated, 2_MiB);
  EXPECT_EQ(guest_.state(9), "offline\n");
  EXPECT_EQ(guest_.policy(), "offline\n");
  EXPECT_FALSE(core_->next_wake());
}

TEST_F(AgentCoreTest, prepare_sets_the_policy_and_onlines_what_lies_offline) {
  guest_.add_block(9, "offline\n", "Normal Movable\n");
  ask(RequestKind::prepare, 1);
  EXPECT_EQ(guest_.policy(), "online_kernel");
  EXPECT_EQ(guest_.state(9), "online_kernel");
  ASSERT_EQ(reports_.size(), 1u);
  EXPECT_EQ(last().phase, AgentPhase::ready);
  EXPECT_EQ(last().blocks_online, 3);
  EXPECT_EQ(last().blocks_added, 0) << "it was there before the operation";
}

TEST_F(AgentCoreTest, an_old_kernel_that_knows_fewer_policies_leaves_the_onlining_to_the_agent) {
  guest_.set("proc/sys/kernel/osrelease", "5.4.0-200-generic\n");
  guest_.set("sys/devices/system/memory/auto_online_blocks", "online\n");
  ask(RequestKind::prepare, 1);
  EXPECT_EQ(guest_.policy(), "offline");
  now_ += 1s;
  guest_.add_block(32, "offline\n", "Normal\n");
  core_->memory_changed();
  EXPECT_EQ(guest_.state(32), "online_kernel");
  EXPECT_EQ(last().error, "");
  ask(RequestKind::release, 2);
  EXPECT_EQ(guest_.policy(), "online");
}

TEST_F(AgentCoreTest, movable_means_movable) {
  auto asked = request(RequestKind::prepare, 1);
  asked.online = OnlineZone::movable;
  core_->request(asked);
  EXPECT_EQ(guest_.policy(), "online_movable");
  guest_.add_block(32, "offline\n", "Movable\n");
  now_ += 1s;
  core_->memory_changed();
  EXPECT_EQ(guest_.state(32), "online_movable");
  EXPECT_EQ(last().blocks_movable, 1);
}

TEST_F(AgentCoreTest, added_blocks_are_reported_at_once_and_folded) {
  ask(RequestKind::prepare, 1);
  reports_.clear();
  now_ += 200ms;
  for (int id = 32; id < 48; ++id) {
    guest_.add_block(id, "offline\n", "Normal\n");
    core_->memory_changed();
  }
  ASSERT_EQ(reports_.size(), 1u) << "the first at once, the others folded";
  EXPECT_EQ(last().blocks_added, 1);
  EXPECT_EQ(guest_.state(47), "online_kernel") << "brought online before it is reported";
  pass(400ms);
  EXPECT_EQ(reports_.size(), 2u);
  EXPECT_EQ(last().blocks_added, 16);
  EXPECT_EQ(last().blocks_added_offline, 0);
}

TEST_F(AgentCoreTest, a_block_that_takes_long_to_come_online_is_reported_at_once) {
  ask(RequestKind::prepare, 1);
  now_ += 200ms;
  guest_.add_block(32, "offline\n", "Normal\n");
  kernel_.before_online = [this] { now_ += 300ms; };
  core_->memory_changed();
  guest_.add_block(33, "offline\n", "Normal\n");
  reports_.clear();
  core_->memory_changed();
  pass(AgentCore::fold);
  ASSERT_FALSE(reports_.empty());
  EXPECT_EQ(last().blocks_added, 2);
}

TEST_F(AgentCoreTest, blocks_without_a_uevent_are_found_by_the_next_look) {
  ask(RequestKind::prepare, 1);
  guest_.add_block(32, "offline\n", "Normal\n");
  pass(2s);
  EXPECT_EQ(last().blocks_added, 1);
  EXPECT_EQ(guest_.state(32), "online_kernel");
}

TEST_F(AgentCoreTest, looks_at_the_blocks_now_and_then_while_the_balloon_gives_back) {
  ask(RequestKind::prepare, 1);
  reports_.clear();
  kernel_.scans = 0;
  give_back(6s);
  EXPECT_GE(reports_.size(), 100u);
  EXPECT_LE(kernel_.scans, 5);
}

TEST_F(AgentCoreTest, reports_take_a_sixth_of_a_processor_at_most) {
  ask(RequestKind::prepare, 1);
  report_cost_ = 30ms;
  give_back(1s);
  reports_.clear();
  give_back(12s);
  EXPECT_GE(reports_.size(), 55u);
  EXPECT_LE(reports_.size(), 12'000u / 180 + 1);
}

TEST_F(AgentCoreTest, reports_at_least_every_two_seconds_while_serving) {
  ask(RequestKind::prepare, 1);
  reports_.clear();
  pass(20s);
  EXPECT_GE(reports_.size(), 10u);
  EXPECT_LE(reports_.size(), 20u);
  for (std::size_t i = 1; i < reports_.size(); ++i) {
    EXPECT_EQ(reports_[i].sequence, reports_[i - 1].sequence + 1);
  }
}

TEST_F(AgentCoreTest, says_growing_until_the_balloon_is_where_it_should_be) {
  ask(RequestKind::prepare, 1);
  guest_.set_balloon(1 << 20, 163840);
  pass(500ms);
  EXPECT_EQ(last().phase, AgentPhase::growing);
  guest_.set_balloon(1 << 20, 1 << 20);
  reports_.clear();
  pass(500ms);
  ASSERT_FALSE(reports_.empty()) << "no uevent tells of it, and it doesn't wait for the heartbeat";
  EXPECT_EQ(last().phase, AgentPhase::ready);
}

TEST_F(AgentCoreTest, a_block_that_cannot_be_onlined_is_named) {
  ask(RequestKind::prepare, 1);
  guest_.refuse_block(32);
  guest_.add_block(33, "offline\n", "Normal\n");
  now_ += 1s;
  core_->memory_changed();
  EXPECT_EQ(guest_.state(33), "online_kernel");
  EXPECT_EQ(last().blocks_added, 1) << "the state of the other one cannot even be read";
}

TEST_F(AgentCoreTest, release_restores_the_policy_reports_once_and_is_silent) {
  ask(RequestKind::prepare, 1);
  reports_.clear();
  ask(RequestKind::release, 2);
  EXPECT_EQ(guest_.policy(), "offline");
  pass(1h);
  ASSERT_EQ(reports_.size(), 1u);
  EXPECT_EQ(last().phase, AgentPhase::released);
  EXPECT_EQ(last().request, 2u);
  EXPECT_FALSE(core_->next_wake());
}

TEST_F(AgentCoreTest, later_stages_keep_the_earlier_policy_and_the_first_blocks) {
  ask(RequestKind::prepare, 1);
  guest_.add_block(32, "online\n", "Normal\n");
  ask(RequestKind::prepare, 2);
  EXPECT_EQ(last().blocks_added, 1);
  ask(RequestKind::release, 3);
  EXPECT_EQ(guest_.policy(), "offline");
}

TEST_F(AgentCoreTest, a_policy_that_somebody_else_set_meanwhile_stays) {
  ask(RequestKind::prepare, 1);
  guest_.set_policy("online\n");
  ask(RequestKind::release, 2);
  EXPECT_EQ(guest_.policy(), "online\n");
}

TEST_F(AgentCoreTest, sequences_that_do_not_rise_are_dropped) {
  ask(RequestKind::prepare, 5);
  reports_.clear();
  ask(RequestKind::release, 5);
  ask(RequestKind::release, 4);
  EXPECT_TRUE(reports_.empty());
  EXPECT_TRUE(core_->serving());
}

TEST_F(AgentCoreTest, two_writers_that_counted_apart_are_both_heard) {
  ask(RequestKind::prepare, 5, 7);
  ask(RequestKind::observe, 6, 99);
  reports_.clear();
  ask(RequestKind::prepare, 6, 7);
  ASSERT_EQ(reports_.size(), 1u);
  EXPECT_EQ(last().operation, 7u);
  EXPECT_EQ(last().request, 6u);
}

TEST_F(AgentCoreTest, an_answer_to_another_is_followed_by_a_report_of_the_operation) {
  ask(RequestKind::prepare, 1);
  pass(1s);
  ask(RequestKind::observe, 2, 99);
  ASSERT_EQ(last().operation, 99u);
  pass(AgentCore::fold - 1ms);
  EXPECT_EQ(last().operation, 99u) << "whoever asked has time to read it";
  pass(2ms);
  EXPECT_EQ(last().operation, 7u);
  EXPECT_EQ(last().request, 1u);
}

TEST_F(AgentCoreTest, the_operation_is_told_however_often_others_ask) {
  ask(RequestKind::prepare, 1);
  pass(1s);
  reports_.clear();
  for (std::uint64_t sequence = 1; sequence <= 10; ++sequence) {
    ask(RequestKind::observe, sequence, 99);
    pass(AgentCore::fold / 2);
  }
  const auto own = std::ranges::count(reports_, 7u, &AgentReport::operation);
  EXPECT_GE(own, 4);
}

TEST_F(AgentCoreTest, after_an_emptied_mailbox_any_sequence_is_new) {
  ask(RequestKind::observe, 5);
  core_->request_absent();
  reports_.clear();
  ask(RequestKind::observe, 1);
  EXPECT_EQ(reports_.size(), 1u);
}

TEST_F(AgentCoreTest, an_operation_that_falls_silent_ends_with_its_lease) {
  ask(RequestKind::prepare, 1);
  pass(20s);
  ask(RequestKind::observe, 2);  // renews the lease
  pass(20s);
  EXPECT_TRUE(core_->serving());
  ask(RequestKind::observe, 3, 99);  // another operation does not renew it
  EXPECT_EQ(last().operation, 99u);
  EXPECT_EQ(last().request, 3u);
  pass(2s);
  EXPECT_EQ(last().operation, 7u);
  EXPECT_EQ(last().request, 2u) << "what others asked is no answer to the operation";
  pass(9s);
  EXPECT_FALSE(core_->serving());
  EXPECT_EQ(guest_.policy(), "offline");
  EXPECT_FALSE(core_->next_wake());
}

TEST_F(AgentCoreTest, an_operation_that_takes_over_inherits_the_policy_to_restore) {
  ask(RequestKind::prepare, 1, 7);
  guest_.add_block(32, "online\n", "Normal\n");
  ask(RequestKind::prepare, 2, 8);
  EXPECT_EQ(last().operation, 8u);
  EXPECT_EQ(last().blocks_added, 0);
  ask(RequestKind::release, 3, 8);
  EXPECT_EQ(guest_.policy(), "offline");
}

TEST_F(AgentCoreTest, a_killed_agents_operation_is_resumed) {
  ask(RequestKind::prepare, 3);
  const auto before = last().sequence;
  guest_.add_block(32, "offline\n", "Normal\n");
  now_ += 5s;
  start(request(RequestKind::prepare, 3));
  ASSERT_EQ(reports_.size(), 1u);
  EXPECT_GT(last().sequence, before);
  EXPECT_EQ(last().operation, 7u);
  EXPECT_EQ(last().request, 3u);
  EXPECT_EQ(last().blocks_added, 1);
  EXPECT_EQ(guest_.state(32), "online_kernel");
  ask(RequestKind::release, 4);
  EXPECT_EQ(guest_.policy(), "offline");
}

TEST_F(AgentCoreTest, an_agent_that_starts_after_the_lease_restores_the_policy) {
  ask(RequestKind::prepare, 3);
  now_ += 31s;
  start(request(RequestKind::prepare, 3));
  EXPECT_FALSE(core_->serving());
  EXPECT_TRUE(reports_.empty());
  EXPECT_EQ(guest_.policy(), "offline");
}

TEST_F(AgentCoreTest, a_request_written_while_no_agent_ran_is_carried_out) {
  ask(RequestKind::prepare, 3);
  start(request(RequestKind::release, 4));
  EXPECT_FALSE(core_->serving());
  EXPECT_EQ(guest_.policy(), "offline");
  EXPECT_EQ(last().phase, AgentPhase::released);
  start(request(RequestKind::prepare, 1, 8));
  EXPECT_TRUE(core_->serving()) << "another operation: its number may be lower";
  EXPECT_EQ(last().request, 1u);
}

TEST_F(AgentCoreTest, a_finished_operation_is_not_begun_again_by_a_restart) {
  ask(RequestKind::prepare, 3);
  ask(RequestKind::release, 4);
  start(request(RequestKind::release, 4));
  EXPECT_TRUE(reports_.empty());
  ask(RequestKind::observe, 4);
  EXPECT_TRUE(reports_.empty());
}

TEST_F(AgentCoreTest, a_clean_stop_restores_the_policy_and_a_start_goes_on) {
  ask(RequestKind::prepare, 3);
  core_->stop();
  EXPECT_EQ(guest_.policy(), "offline");
  start(request(RequestKind::prepare, 3));
  EXPECT_TRUE(core_->serving());
  EXPECT_EQ(guest_.policy(), "online_kernel");
  ask(RequestKind::release, 4);
  EXPECT_EQ(guest_.policy(), "offline");
}

TEST_F(AgentCoreTest, a_restore_or_migration_ends_the_operation_and_forgets_the_sequence) {
  ask(RequestKind::prepare, 30);
  core_->mailbox_replaced(std::nullopt);
  EXPECT_FALSE(core_->serving());
  EXPECT_EQ(guest_.policy(), "offline");
  ask(RequestKind::observe, 1, 8);
  EXPECT_EQ(last().request, 1u);
}

TEST_F(AgentCoreTest, a_hello_deleted_in_the_same_store_ends_nothing) {
  ask(RequestKind::prepare, 3);
  core_->mailbox_replaced(request(RequestKind::prepare, 3));
  EXPECT_TRUE(core_->serving());
}

TEST_F(AgentCoreTest, without_hotplug_it_still_serves_and_says_so) {
  guest_.remove("sys/devices/system/memory");
  ask(RequestKind::prepare, 1);
  EXPECT_EQ(last().phase, AgentPhase::ready);
  EXPECT_EQ(last().error, "no memory hotplug here");
  ask(RequestKind::release, 2);
  EXPECT_EQ(last().phase, AgentPhase::released);
}

TEST_F(AgentCoreTest, a_damaged_record_is_no_record) {
  ask(RequestKind::prepare, 3);
  guest_.set("../policy", "memctl-agent 1\nactive 1\n");
  start(std::nullopt);
  EXPECT_FALSE(core_->serving());
}

}  // namespace
}  // namespace memctl::agent
