// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What 0.1.0 wrote is read, and what is written now can be read by 0.1.0.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "agent/core/record.hpp"
#include "guest/message.hpp"
#include "resize/journal.hpp"

namespace memctl {
namespace {

using testing::StartsWith;

std::string written_by_0_1_0(const std::string& name) {
  std::ifstream file{std::string{MEMCTL_EARLIER_DATA} + "/0.1.0/" + name};
  EXPECT_TRUE(file) << name;
  return {std::istreambuf_iterator<char>{file}, {}};
}

/// Base64 without its padding and the last digit, which the next field's first bits can change.
std::string whole_bytes(std::string base64) {
  while (!base64.empty() && base64.back() == '=') base64.pop_back();
  base64.resize(base64.size() - base64.size() % 4);
  return base64;
}

TEST(EarlierVersions, TheHelloOf_0_1_0) {
  const std::string value = written_by_0_1_0("hello");
  const auto hello = guest::decode_hello(value);
  ASSERT_TRUE(hello);
  EXPECT_EQ(hello->protocol_min, 1U);
  EXPECT_EQ(hello->protocol_max, 1U);
  EXPECT_EQ(hello->agent_version, "0.1.0");
  EXPECT_EQ(hello->kernel_release, "6.1.0-32-amd64");
  EXPECT_EQ(hello->kernel_build, "#1 SMP PREEMPT_DYNAMIC Debian 6.1.129-1 (2025-03-06)");
  EXPECT_EQ(hello->machine, "x86_64");
  EXPECT_EQ(hello->block_size, 128_MiB);
  EXPECT_TRUE(hello->hotplug);
  EXPECT_EQ(hello->online_policy, "offline");
  EXPECT_EQ(hello->instance, "00112233aabbccdd");
  EXPECT_EQ(hello->udev_rule, "/etc/udev/rules.d/50-memory.rules");
  EXPECT_EQ(hello->udev_rule_action, RuleAction::online_movable);
  EXPECT_THAT(guest::encode(*hello), StartsWith(whole_bytes(value)));
}

TEST(EarlierVersions, TheReportOf_0_1_0) {
  const std::string value = written_by_0_1_0("report");
  const auto report = guest::decode_report(value);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->operation, 0xffff'ffff'ffff'fff1U);
  EXPECT_EQ(report->request, 9U);
  EXPECT_EQ(report->sequence, 77U);
  EXPECT_EQ(report->phase, AgentPhase::growing);
  EXPECT_EQ(report->blocks_present, 10);
  EXPECT_EQ(report->blocks_online, 8);
  EXPECT_EQ(report->blocks_added, 4);
  EXPECT_EQ(report->blocks_added_offline, 2);
  EXPECT_EQ(report->blocks_movable, 1);
  EXPECT_EQ(report->mem_total, 1000_MiB);
  EXPECT_EQ(report->mem_available, 800_MiB);
  EXPECT_EQ(report->kernel_zone_free, 300_MiB);
  EXPECT_EQ(report->kernel_zone_reclaimable, 30_MiB);
  EXPECT_EQ(report->pressure_some_avg10, 1.25);
  EXPECT_EQ(report->pressure_full_avg10, 0.0);
  EXPECT_EQ(report->balloon_target, 1024_MiB);
  EXPECT_EQ(report->balloon_current, 0_MiB);
  EXPECT_EQ(report->balloon_inflated, 3_MiB);
  EXPECT_EQ(report->error, "memory32: Invalid argument");
  EXPECT_THAT(guest::encode(*report), StartsWith(whole_bytes(value)));
}

TEST(EarlierVersions, TheRequestOf_0_1_0) {
  const std::string value = written_by_0_1_0("request");
  const auto request = guest::decode_request(value);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->protocol, 1U);
  EXPECT_EQ(request->operation, 5U);
  EXPECT_EQ(request->sequence, 6U);
  EXPECT_EQ(request->kind, RequestKind::prepare);
  EXPECT_EQ(request->stage, 3U);
  EXPECT_EQ(request->target, 4_GiB);
  EXPECT_EQ(request->online, OnlineZone::movable);
  EXPECT_EQ(request->lease_seconds, 30U);
  EXPECT_THAT(guest::encode(*request), StartsWith(whole_bytes(value)));
}

TEST(EarlierVersions, TheRecordOf_0_1_0) {
  const std::string text = written_by_0_1_0("record");
  const auto record = resize::record_from(text);
  ASSERT_TRUE(record);
  EXPECT_EQ(*record,
            (resize::Record{.owner = "3a5c16a4-2b3c-4b7e-9f0e-0d8c6c2f1f11:812:4711:4026531836",
                            .operation = 0xffff'ffff'ffff'fff1,
                            .size = 1_GiB,
                            .present = 1_GiB - 64_KiB,
                            .limit = 1_GiB,
                            .max_pages = 1_GiB + 1_MiB,
                            .pool = 10_MiB,
                            .frozen_pool = 9_MiB,
                            .settled_offset = -64_KiB,
                            .to = 4_GiB,
                            .keep = true}));
  const auto now = nlohmann::json::parse(resize::to_text(*record));
  const auto then = nlohmann::json::parse(text);
  for (const auto& [name, value] : then.items()) EXPECT_EQ(now.at(name), value) << name;
}

TEST(EarlierVersions, TheAgentsRecordOf_0_1_0) {
  const std::string text = written_by_0_1_0("agent-record");
  const auto record = agent::parse_record(text);
  ASSERT_TRUE(record);
  EXPECT_EQ(*record, (agent::Record{.last_operation = 5,
                                    .last_sequence = 7,
                                    .active = true,
                                    .operation = 5,
                                    .sequence = 6,
                                    .zone = OnlineZone::movable,
                                    .earlier = agent::OnlinePolicy::offline,
                                    .lease_end = agent::Time{123456},
                                    .baseline = {0, 1, 2, 3, 4, 5, 6, 7, 32}}));
  EXPECT_EQ(agent::to_text(*record), text);
}

TEST(EarlierVersions, AnAgentsRecordOfAnotherVersionIsNoRecord) {
  std::string text = written_by_0_1_0("agent-record");
  text.replace(text.find(" 1\n"), 3, " 2\n");
  EXPECT_FALSE(agent::parse_record(text));
}

}  // namespace
}  // namespace memctl
