// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The agent's program as it is installed, with a fake xenstored and a fake kernel.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include "agent_fixture.hpp"
#include "fake_xenstored.hpp"
#include "guest/message.hpp"

namespace memctl {
namespace {

using Nodes = std::map<std::string, std::string>;

constexpr const char* hello_path = "data/memctl/hello";
constexpr const char* report_path = "data/memctl/report";
constexpr const char* request_path = "control/memctl/request";

std::optional<AgentReport> report_in(const Nodes& nodes) {
  const auto found = nodes.find(report_path);
  return found == nodes.end() ? std::nullopt : guest::decode_report(found->second);
}

class AgentProcess : public test::AgentFixture {
 protected:
  void SetUp() override {
    guest_.set("etc/udev/rules.d/40-own.rules",
               R"(SUBSYSTEM=="memory", ATTR{state}="online_movable")");
    start();
  }
  void TearDown() override {
    if (agent_ > 0) {
      ::kill(agent_, SIGKILL);
      ::waitpid(agent_, nullptr, 0);
    }
  }

  void start() {
    agent_ = ::fork();
    if (agent_ == 0) {
      ::setenv("XENSTORED_PATH", socket_.c_str(), 1);
      ::execl(MEMCTL_AGENT, "memctl-agent", "--root", guest_.root().c_str(), "--run-directory",
              directory_.path().c_str(), nullptr);
      ::_exit(127);
    }
  }
  int wait_for_end() {
    int status = 0;
    ::waitpid(agent_, &status, 0);
    agent_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  bool wait_for_hello() {
    return store_.wait([](const Nodes& nodes) { return nodes.contains(hello_path); });
  }
  bool wait_for_report(const std::function<bool(const AgentReport&)>& condition) {
    return store_.wait([&](const Nodes& nodes) {
      const auto report = report_in(nodes);
      return report && condition(*report);
    });
  }
  void ask(RequestKind kind, std::uint64_t sequence) {
    store_.set(request_path, guest::encode(request(kind, sequence)));
  }

  std::string socket_{(directory_.path() / "socket").string()};
  test::FakeXenstored store_{socket_};
  pid_t agent_{-1};
};

TEST_F(AgentProcess, announces_itself_and_is_silent_while_idle) {
  ASSERT_TRUE(wait_for_hello());
  const auto hello = guest::decode_hello(*store_.value(hello_path));
  ASSERT_TRUE(hello);
  EXPECT_TRUE(hello->hotplug);
  EXPECT_EQ(hello->block_size, 128_MiB);
  EXPECT_EQ(hello->online_policy, "offline");
  EXPECT_EQ(hello->udev_rule, "/etc/udev/rules.d/40-own.rules");
  EXPECT_EQ(hello->udev_rule_action, RuleAction::online_movable);
  EXPECT_EQ(hello->instance.size(), 16u);
  EXPECT_EQ(store_.writes(report_path), 0);
}

TEST_F(AgentProcess, answers_serves_and_lets_go) {
  ASSERT_TRUE(wait_for_hello());
  ask(RequestKind::observe, 1);
  EXPECT_TRUE(wait_for_report([](const AgentReport& report) {
    return report.request == 1 && report.phase == AgentPhase::idle && report.operation == 7;
  }));
  ask(RequestKind::prepare, 2);
  EXPECT_TRUE(wait_for_report([](const AgentReport& report) {
    return report.request == 2 && report.phase == AgentPhase::ready;
  }));
  EXPECT_EQ(guest_.policy(), "online_kernel");
  guest_.add_block(32, "offline\n", "Normal Movable\n");
  EXPECT_TRUE(wait_for_report([](const AgentReport& report) { return report.blocks_added == 1; }));
  EXPECT_EQ(guest_.state(32), "online_kernel");
  ask(RequestKind::release, 3);
  EXPECT_TRUE(wait_for_report(
      [](const AgentReport& report) { return report.phase == AgentPhase::released; }));
  EXPECT_EQ(guest_.policy(), "offline");
}

TEST_F(AgentProcess, announces_itself_again_in_another_store_and_takes_low_sequences_there) {
  ASSERT_TRUE(wait_for_hello());
  ask(RequestKind::prepare, 20);
  ASSERT_TRUE(wait_for_report([](const AgentReport& report) { return report.request == 20; }));
  store_.replace_by_empty();
  ASSERT_TRUE(wait_for_hello());
  ask(RequestKind::observe, 1);
  EXPECT_TRUE(wait_for_report([](const AgentReport& report) {
    return report.request == 1 && report.phase == AgentPhase::idle;
  }));
  EXPECT_EQ(guest_.policy(), "offline");
}

TEST_F(AgentProcess, terminated_it_restores_the_policy_and_leaves_no_node) {
  ASSERT_TRUE(wait_for_hello());
  ask(RequestKind::prepare, 1);
  ASSERT_TRUE(wait_for_report([](const AgentReport& report) { return report.request == 1; }));
  ::kill(agent_, SIGTERM);
  EXPECT_EQ(wait_for_end(), 0);
  EXPECT_EQ(guest_.policy(), "offline");
  EXPECT_FALSE(store_.value(hello_path));
  EXPECT_FALSE(store_.value(report_path));
}

TEST_F(AgentProcess, killed_and_started_again_it_goes_on_with_the_operation) {
  ASSERT_TRUE(wait_for_hello());
  ask(RequestKind::prepare, 1);
  ASSERT_TRUE(wait_for_report([](const AgentReport& report) { return report.request == 1; }));
  const auto before = guest::decode_report(*store_.value(report_path));
  ::kill(agent_, SIGKILL);
  wait_for_end();
  guest_.add_block(32, "offline\n", "Normal Movable\n");
  start();
  EXPECT_TRUE(wait_for_report([&](const AgentReport& report) {
    return report.sequence > before->sequence && report.operation == 7 && report.blocks_added == 1;
  }));
  ask(RequestKind::release, 2);
  EXPECT_TRUE(wait_for_report(
      [](const AgentReport& report) { return report.phase == AgentPhase::released; }));
  EXPECT_EQ(guest_.policy(), "offline");
}

TEST_F(AgentProcess, ends_when_xenstore_is_lost) {
  ASSERT_TRUE(wait_for_hello());
  store_.drop_clients();
  EXPECT_EQ(wait_for_end(), 1);
}

}  // namespace
}  // namespace memctl
