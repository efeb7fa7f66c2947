// SPDX-License-Identifier: LGPL-2.1-or-later
#include "guest/message.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <random>

namespace memctl {
namespace {

using guest::decode_hello;
using guest::decode_report;
using guest::decode_request;
using guest::encode;

AgentHello good_hello() {
  return {.protocol_min = 1,
          .protocol_max = 2,
          .agent_version = "0.1.0",
          .kernel_release = "6.1.0-32-amd64",
          .kernel_build = "#1 SMP PREEMPT_DYNAMIC Debian 6.1.129-1 (2025-03-06)",
          .machine = "x86_64",
          .block_size = 128_MiB,
          .hotplug = true,
          .online_policy = "offline",
          .instance = "00112233aabbccdd"};
}

AgentReport good_report() {
  return {.operation = 0xffff'ffff'ffff'fff1,
          .request = 9,
          .sequence = 77,
          .phase = AgentPhase::growing,
          .blocks_present = 10,
          .blocks_online = 8,
          .blocks_added = 4,
          .blocks_added_offline = 2,
          .blocks_movable = 1,
          .mem_total = 1000_MiB,
          .mem_available = 800_MiB,
          .kernel_zone_free = 300_MiB,
          .kernel_zone_reclaimable = 30_MiB,
          .pressure_some_avg10 = 1.25,
          .pressure_full_avg10 = 0.0,
          .balloon_target = 1024_MiB,
          .balloon_current = 0_MiB,
          .balloon_inflated = 3_MiB,
          .highmem_free = 5_MiB,
          .error = "memory32: Invalid argument"};
}

AgentRequest good_request() {
  return {.operation = 5,
          .sequence = 6,
          .kind = RequestKind::prepare,
          .stage = 3,
          .target = 4_GiB,
          .online = OnlineZone::movable,
          .lease_seconds = 30};
}

bool same(const AgentReport& a, const AgentReport& b) { return encode(a) == encode(b); }

TEST(Message, a_hello_is_read_back) {
  const auto hello = decode_hello(encode(good_hello()));
  ASSERT_TRUE(hello);
  EXPECT_EQ(encode(*hello), encode(good_hello()));
  EXPECT_EQ(hello->kernel_release, "6.1.0-32-amd64");
  EXPECT_EQ(hello->protocol_max, 2u);
  EXPECT_EQ(hello->block_size, 128_MiB);
}

TEST(Message, a_hello_without_a_look_at_udevs_rules_is_not_one_without_rules) {
  AgentHello hello = good_hello();
  EXPECT_FALSE(decode_hello(encode(hello))->udev_rule);
  hello.udev_rule = "";
  EXPECT_EQ(decode_hello(encode(hello))->udev_rule, "");
  hello.udev_rule = "/etc/udev/rules.d/40-redhat.rules";
  hello.udev_rule_action = RuleAction::online_movable;
  EXPECT_EQ(decode_hello(encode(hello))->udev_rule, "/etc/udev/rules.d/40-redhat.rules");
  EXPECT_EQ(decode_hello(encode(hello))->udev_rule_action, RuleAction::online_movable);
}

TEST(Message, a_report_is_read_back_with_what_is_unknown_still_unknown) {
  const auto report = decode_report(encode(good_report()));
  ASSERT_TRUE(report);
  EXPECT_TRUE(same(*report, good_report()));
  EXPECT_EQ(report->operation, 0xffff'ffff'ffff'fff1);
  EXPECT_EQ(report->pressure_full_avg10, 0.0);
  EXPECT_EQ(report->balloon_current, 0_MiB);
  EXPECT_EQ(report->balloon_inflated, 3_MiB);
  const auto empty = decode_report(encode(AgentReport{.sequence = 1}));
  ASSERT_TRUE(empty);
  EXPECT_FALSE(empty->pressure_some_avg10);
  EXPECT_FALSE(empty->balloon_target);
}

TEST(Message, a_request_is_read_back) {
  const auto request = decode_request(encode(good_request()));
  ASSERT_TRUE(request);
  EXPECT_EQ(encode(*request), encode(good_request()));
  EXPECT_EQ(request->online, OnlineZone::movable);
  EXPECT_EQ(request->target, 4_GiB);
}

TEST(Message, the_longest_texts_fit_and_are_cut_and_made_printable) {
  AgentHello hello = good_hello();
  const std::string flood(5000, '\x01');
  hello.agent_version = hello.kernel_release = hello.machine = flood;
  hello.no_hotplug_reason = hello.online_policy = hello.instance = flood;
  hello.kernel_build = flood;
  hello.udev_rule = flood;
  hello.udev_rule_action = RuleAction::other;
  const auto value = encode(hello);
  EXPECT_LE(value.size(), guest::longest_value);
  const auto decoded = decode_hello(value);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->machine, std::string(128, '?'));
  AgentReport report = good_report();
  report.error = flood;
  report.sequence = report.request = std::numeric_limits<std::uint64_t>::max();
  EXPECT_LE(encode(report).size(), guest::longest_value);
  EXPECT_TRUE(decode_report(encode(report)));
}

TEST(Message, hellos_out_of_bounds_are_nothing) {
  const auto refused = [](const std::function<void(AgentHello&)>& change) {
    AgentHello hello = good_hello();
    change(hello);
    return !decode_hello(encode(hello));
  };
  EXPECT_TRUE(refused([](auto& hello) { hello.protocol_min = 0; }));
  EXPECT_TRUE(refused([](auto& hello) { hello.protocol_min = 3; }));
  EXPECT_TRUE(refused([](auto& hello) { hello.block_size = 0_KiB; }));
  EXPECT_TRUE(refused([](auto& hello) { hello.udev_rule_action = static_cast<RuleAction>(9); }));
  EXPECT_TRUE(refused([](auto& hello) { hello.block_size = 2_MiB; }));
  EXPECT_TRUE(refused([](auto& hello) { hello.block_size = 129_MiB; }));
  EXPECT_TRUE(refused([](auto& hello) { hello.block_size = 128_GiB; }));
  EXPECT_TRUE(refused([](auto& hello) { hello.block_size = Kib{-4096}; }));
  EXPECT_FALSE(refused([](auto& hello) {
    hello.hotplug = false;
    hello.block_size = 0_KiB;
  }));
  EXPECT_TRUE(refused([](auto& hello) {
    hello.hotplug = false;
    hello.block_size = 1_KiB;
  }));
}

TEST(Message, reports_out_of_bounds_are_nothing) {
  const auto refused = [](const std::function<void(AgentReport&)>& change) {
    AgentReport report = good_report();
    change(report);
    return !decode_report(encode(report));
  };
  const auto infinity = std::numeric_limits<double>::infinity();
  EXPECT_TRUE(refused([](auto& r) { r.phase = static_cast<AgentPhase>(5); }));
  EXPECT_TRUE(refused([](auto& r) { r.phase = static_cast<AgentPhase>(-1); }));
  EXPECT_TRUE(refused([](auto& r) { r.blocks_present = 1 << 24; }));
  EXPECT_TRUE(refused([](auto& r) { r.blocks_online = 11; }));
  EXPECT_TRUE(refused([](auto& r) { r.blocks_added = 11; }));
  EXPECT_TRUE(refused([](auto& r) { r.blocks_added_offline = 5; }));
  EXPECT_TRUE(refused([](auto& r) { r.blocks_movable = 9; }));
  EXPECT_TRUE(refused([](auto& r) { r.blocks_added = -1; }));
  EXPECT_TRUE(refused([](auto& r) { r.mem_total = 4096_TiB; }));
  EXPECT_FALSE(refused([](auto& r) { r.mem_total = 4096_TiB - 1_KiB; }));
  EXPECT_TRUE(refused([](auto& r) { r.mem_available = Kib{-1}; }));
  EXPECT_TRUE(refused([](auto& r) { r.kernel_zone_free = 4096_TiB; }));
  EXPECT_TRUE(refused([](auto& r) { r.kernel_zone_reclaimable = 4096_TiB; }));
  EXPECT_TRUE(refused([](auto& r) { r.balloon_target = 4096_TiB; }));
  EXPECT_TRUE(refused([](auto& r) { r.balloon_inflated = 4096_TiB; }));
  EXPECT_TRUE(refused([](auto& r) { r.highmem_free = 4096_TiB; }));
  EXPECT_TRUE(refused([](auto& r) { r.balloon_current = Kib{-1}; }));
  EXPECT_TRUE(refused([](auto& r) { r.pressure_some_avg10 = 100.1; }));
  EXPECT_TRUE(refused([](auto& r) { r.pressure_some_avg10 = -0.1; }));
  EXPECT_TRUE(refused([](auto& r) { r.pressure_full_avg10 = std::nan(""); }));
  EXPECT_TRUE(refused([&](auto& r) { r.pressure_full_avg10 = infinity; }));
}

TEST(Message, requests_out_of_bounds_are_nothing) {
  const auto refused = [](const std::function<void(AgentRequest&)>& change) {
    AgentRequest request = good_request();
    change(request);
    return !decode_request(encode(request));
  };
  EXPECT_TRUE(refused([](auto& r) { r.protocol = 0; }));
  EXPECT_TRUE(refused([](auto& r) { r.kind = static_cast<RequestKind>(3); }));
  EXPECT_TRUE(refused([](auto& r) { r.online = static_cast<OnlineZone>(2); }));
  EXPECT_TRUE(refused([](auto& r) { r.target = 4096_TiB; }));
  EXPECT_TRUE(refused([](auto& r) { r.lease_seconds = 0; }));
  EXPECT_TRUE(refused([](auto& r) { r.lease_seconds = 86401; }));
}

// Written by hand, because `encode` cannot make such texts or unknown fields.
TEST(Message, foreign_bytes_are_read_or_refused_by_what_they_say) {
  EXPECT_TRUE(decode_report("CFk="));               // a field of the wrong wire type
  EXPECT_FALSE(decode_report("kgEFYWIAY2Q="));      // error: "ab\0cd"
  EXPECT_FALSE(decode_report("kgEC/v4="));          // error: not UTF-8
  EXPECT_FALSE(decode_report("kgH/////Dw=="));      // a text of 4 GiB
  EXPECT_TRUE(decode_report("oAYB"));               // field 100: of a later version
  EXPECT_FALSE(decode_report("KP///////////wE="));  // 2^63 blocks present
}

// protobuf writes a line for each `string` that is not UTF-8, so agent.proto has `bytes`.
TEST(Message, a_text_that_is_not_utf8_makes_nobody_write) {
  testing::internal::CaptureStderr();
  EXPECT_TRUE(decode_hello("CAEQARoCYWIwgIAIOAE="));   // agent_version: "ab"
  EXPECT_FALSE(decode_hello("CAEQARoC/v4wgIAIOAE="));  // agent_version
  EXPECT_FALSE(decode_report("kgEC/v4="));             // error
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(Message, what_is_no_message_is_nothing) {
  for (const std::string_view value :
       {"", "=", "====", "!", "AAAA", "AA", "A", "not base64 at all", "\xff\xfe", "/////w=="}) {
    EXPECT_FALSE(decode_hello(value)) << value;
    EXPECT_FALSE(decode_request(value)) << value;
  }
  EXPECT_FALSE(decode_report(std::string_view{"\0\0\0\0", 4}));
}

TEST(Message, values_past_the_longest_are_not_even_unpacked) {
  const auto padded = encode(good_report()) + std::string(guest::longest_value, ' ');
  EXPECT_FALSE(decode_report(padded));
  EXPECT_FALSE(decode_report(std::string(std::size_t{1} << 24, 'A')));
}

TEST(Message, truncated_values_are_nothing_or_within_bounds) {
  const auto value = encode(good_report());
  for (std::size_t length = 0; length < value.size(); ++length) {
    const auto report = decode_report(std::string_view{value}.substr(0, length));
    if (!report || encode(*report).empty()) continue;
    EXPECT_TRUE(decode_report(encode(*report))) << length;
  }
}

TEST(Message, random_and_damaged_values_are_nothing_or_within_bounds) {
  std::mt19937 random{20240229};  // a fixed seed, so that a failure can be repeated
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const std::string seeds[] = {encode(good_hello()), encode(good_report()), encode(good_request())};
  for (int i = 0; i < 60000; ++i) {
    std::string value = i % 4 == 3 ? std::string(random() % 200, 'A') : seeds[i % 4];
    const auto damages = 1 + random() % 8;
    for (unsigned n = 0; n < damages && !value.empty(); ++n) {
      value[random() % value.size()] = digits[random() % digits.size()];
    }
    // An accepted message is within bounds, so it is accepted again. (All zeros encode to nothing.)
    if (const auto hello = decode_hello(value)) {
      EXPECT_TRUE(decode_hello(encode(*hello))) << value;
    }
    if (const auto report = decode_report(value); report && !encode(*report).empty()) {
      EXPECT_TRUE(decode_report(encode(*report))) << value;
    }
    if (const auto request = decode_request(value)) {
      EXPECT_TRUE(decode_request(encode(*request))) << value;
    }
  }
}

}  // namespace
}  // namespace memctl
