// SPDX-License-Identifier: LGPL-2.1-or-later
#include "guest/message.hpp"

#include <absl/strings/escaping.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <initializer_list>

#include "agent.pb.h"
#include "base/text.hpp"

namespace memctl::guest {
namespace {

constexpr std::size_t longest_text = 128;
constexpr std::uint64_t size_limit_kib = std::uint64_t{1} << 42;  // 4 PiB
constexpr std::uint64_t block_limit = std::uint64_t{1} << 24;
constexpr std::uint64_t smallest_block_kib = std::uint64_t{4} << 10;
constexpr std::uint64_t largest_block_kib = std::uint64_t{64} << 20;
constexpr std::uint32_t longest_lease_seconds = 24 * 60 * 60;

bool is_printable(char c) { return c >= 0x20 && c < 0x7f; }

/// `text` in a form that the decoder accepts.
std::string presentable(std::string_view text) { return printable(text, longest_text); }

bool is_bounded(const std::string& text) {
  return text.size() <= longest_text && std::ranges::all_of(text, is_printable);
}

bool are_sizes(std::initializer_list<std::uint64_t> kib) {
  return std::ranges::all_of(kib, [](std::uint64_t size) { return size < size_limit_kib; });
}

bool is_block_size(std::uint64_t kib) {
  return std::has_single_bit(kib) && kib >= smallest_block_kib && kib <= largest_block_kib;
}

bool is_percentage(double value) { return std::isfinite(value) && value >= 0 && value <= 100; }

/// `kib` must have been checked against `size_limit_kib`.
Kib to_kib(std::uint64_t kib) { return Kib{static_cast<std::int64_t>(kib)}; }
std::uint64_t to_wire(Kib size) { return static_cast<std::uint64_t>(size.count()); }
std::uint64_t to_wire(std::int64_t count) { return static_cast<std::uint64_t>(count); }

template <class Message>
std::string to_value(const Message& message) {
  return absl::Base64Escape(message.SerializeAsString());
}

template <class Message>
bool from_value(std::string_view value, Message& message) {
  if (value.empty() || value.size() > longest_value) return false;
  std::string bytes;
  return absl::Base64Unescape({value.data(), value.size()}, &bytes) &&
         message.ParseFromString(bytes);
}

}  // namespace

std::string encode(const AgentHello& hello) {
  wire::Hello message;
  message.set_protocol_min(hello.protocol_min);
  message.set_protocol_max(hello.protocol_max);
  message.set_agent_version(presentable(hello.agent_version));
  message.set_kernel_release(presentable(hello.kernel_release));
  message.set_kernel_build(presentable(hello.kernel_build));
  message.set_machine(presentable(hello.machine));
  message.set_block_size_kib(to_wire(hello.block_size));
  message.set_hotplug(hello.hotplug);
  message.set_no_hotplug_reason(presentable(hello.no_hotplug_reason));
  message.set_online_policy(presentable(hello.online_policy));
  message.set_instance(presentable(hello.instance));
  if (hello.udev_rule) message.set_udev_rule(presentable(*hello.udev_rule));
  message.set_udev_rule_action(static_cast<wire::Hello::RuleAction>(hello.udev_rule_action));
  return to_value(message);
}

std::string encode(const AgentReport& report) {
  wire::Report message;
  message.set_operation(report.operation);
  message.set_request(report.request);
  message.set_sequence(report.sequence);
  message.set_phase(static_cast<wire::Report::Phase>(report.phase));
  message.set_blocks_present(to_wire(report.blocks_present));
  message.set_blocks_online(to_wire(report.blocks_online));
  message.set_blocks_added(to_wire(report.blocks_added));
  message.set_blocks_added_offline(to_wire(report.blocks_added_offline));
  message.set_blocks_movable(to_wire(report.blocks_movable));
  message.set_mem_total_kib(to_wire(report.mem_total));
  message.set_mem_available_kib(to_wire(report.mem_available));
  message.set_kernel_zone_free_kib(to_wire(report.kernel_zone_free));
  message.set_kernel_zone_reclaimable_kib(to_wire(report.kernel_zone_reclaimable));
  if (report.pressure_some_avg10) message.set_pressure_some_avg10(*report.pressure_some_avg10);
  if (report.pressure_full_avg10) message.set_pressure_full_avg10(*report.pressure_full_avg10);
  if (report.balloon_target) message.set_balloon_target_kib(to_wire(*report.balloon_target));
  if (report.balloon_current) message.set_balloon_current_kib(to_wire(*report.balloon_current));
  if (report.balloon_inflated) {
    message.set_balloon_inflated_kib(to_wire(*report.balloon_inflated));
  }
  if (report.highmem_free) message.set_highmem_free_kib(to_wire(*report.highmem_free));
  message.set_error(presentable(report.error));
  return to_value(message);
}

std::string encode(const AgentRequest& request) {
  wire::Request message;
  message.set_protocol(request.protocol);
  message.set_operation(request.operation);
  message.set_sequence(request.sequence);
  message.set_kind(static_cast<wire::Request::Kind>(request.kind));
  message.set_stage(request.stage);
  message.set_target_kib(to_wire(request.target));
  message.set_online(static_cast<wire::Request::Online>(request.online));
  message.set_lease_seconds(request.lease_seconds);
  return to_value(message);
}

std::optional<AgentHello> decode_hello(std::string_view value) {
  wire::Hello message;
  if (!from_value(value, message)) return std::nullopt;
  if (message.protocol_min() == 0 || message.protocol_min() > message.protocol_max()) {
    return std::nullopt;
  }
  // Beyond its versions, a hello of a protocol that is not spoken here may mean anything.
  if (message.protocol_min() > protocol_max || message.protocol_max() < protocol_min) {
    return AgentHello{.protocol_min = message.protocol_min(),
                      .protocol_max = message.protocol_max(),
                      .agent_version = presentable(message.agent_version())};
  }
  const bool no_blocks = !message.hotplug() && message.block_size_kib() == 0;
  if (!no_blocks && !is_block_size(message.block_size_kib())) return std::nullopt;
  if (!is_bounded(message.agent_version()) || !is_bounded(message.kernel_release()) ||
      !is_bounded(message.kernel_build()) || !is_bounded(message.machine()) ||
      !is_bounded(message.no_hotplug_reason()) || !is_bounded(message.online_policy()) ||
      !is_bounded(message.instance()) || !is_bounded(message.udev_rule()) ||
      !wire::Hello::RuleAction_IsValid(message.udev_rule_action())) {
    return std::nullopt;
  }
  AgentHello hello;
  hello.protocol_min = message.protocol_min();
  hello.protocol_max = message.protocol_max();
  hello.agent_version = message.agent_version();
  hello.kernel_release = message.kernel_release();
  hello.kernel_build = message.kernel_build();
  hello.machine = message.machine();
  hello.block_size = to_kib(message.block_size_kib());
  hello.hotplug = message.hotplug();
  hello.no_hotplug_reason = message.no_hotplug_reason();
  hello.online_policy = message.online_policy();
  hello.instance = message.instance();
  if (message.has_udev_rule()) hello.udev_rule = message.udev_rule();
  hello.udev_rule_action = static_cast<RuleAction>(message.udev_rule_action());
  return hello;
}

namespace {

bool are_block_counts(const wire::Report& message) {
  return message.blocks_present() < block_limit &&
         message.blocks_online() <= message.blocks_present() &&
         message.blocks_added() <= message.blocks_present() &&
         message.blocks_added_offline() <= message.blocks_added() &&
         message.blocks_movable() <= message.blocks_online();
}

}  // namespace

std::optional<AgentReport> decode_report(std::string_view value) {
  wire::Report message;
  if (!from_value(value, message)) return std::nullopt;
  if (!wire::Report::Phase_IsValid(message.phase()) || !are_block_counts(message) ||
      !are_sizes({message.mem_total_kib(), message.mem_available_kib(),
                  message.kernel_zone_free_kib(), message.kernel_zone_reclaimable_kib(),
                  message.balloon_target_kib(), message.balloon_current_kib(),
                  message.balloon_inflated_kib(), message.highmem_free_kib()}) ||
      !is_percentage(message.pressure_some_avg10()) ||
      !is_percentage(message.pressure_full_avg10()) || !is_bounded(message.error())) {
    return std::nullopt;
  }
  AgentReport report;
  report.operation = message.operation();
  report.request = message.request();
  report.sequence = message.sequence();
  report.phase = static_cast<AgentPhase>(message.phase());
  report.blocks_present = static_cast<std::int64_t>(message.blocks_present());
  report.blocks_online = static_cast<std::int64_t>(message.blocks_online());
  report.blocks_added = static_cast<std::int64_t>(message.blocks_added());
  report.blocks_added_offline = static_cast<std::int64_t>(message.blocks_added_offline());
  report.blocks_movable = static_cast<std::int64_t>(message.blocks_movable());
  report.mem_total = to_kib(message.mem_total_kib());
  report.mem_available = to_kib(message.mem_available_kib());
  report.kernel_zone_free = to_kib(message.kernel_zone_free_kib());
  report.kernel_zone_reclaimable = to_kib(message.kernel_zone_reclaimable_kib());
  if (message.has_pressure_some_avg10()) report.pressure_some_avg10 = message.pressure_some_avg10();
  if (message.has_pressure_full_avg10()) report.pressure_full_avg10 = message.pressure_full_avg10();
  if (message.has_balloon_target_kib()) {
    report.balloon_target = to_kib(message.balloon_target_kib());
  }
  if (message.has_balloon_current_kib()) {
    report.balloon_current = to_kib(message.balloon_current_kib());
  }
  if (message.has_balloon_inflated_kib()) {
    report.balloon_inflated = to_kib(message.balloon_inflated_kib());
  }
  if (message.has_highmem_free_kib()) report.highmem_free = to_kib(message.highmem_free_kib());
  report.error = message.error();
  return report;
}

std::optional<AgentRequest> decode_request(std::string_view value) {
  wire::Request message;
  if (!from_value(value, message)) return std::nullopt;
  if (message.protocol() == 0 || !wire::Request::Kind_IsValid(message.kind()) ||
      !wire::Request::Online_IsValid(message.online()) || !are_sizes({message.target_kib()}) ||
      message.lease_seconds() == 0 || message.lease_seconds() > longest_lease_seconds) {
    return std::nullopt;
  }
  AgentRequest request;
  request.protocol = message.protocol();
  request.operation = message.operation();
  request.sequence = message.sequence();
  request.kind = static_cast<RequestKind>(message.kind());
  request.stage = message.stage();
  request.target = to_kib(message.target_kib());
  request.online = static_cast<OnlineZone>(message.online());
  request.lease_seconds = message.lease_seconds();
  return request;
}

static_assert(static_cast<int>(AgentPhase::failed) == wire::Report::FAILED);
static_assert(static_cast<int>(RuleAction::other) == wire::Hello::SETS_OTHER);
static_assert(static_cast<int>(RequestKind::release) == wire::Request::RELEASE);
static_assert(static_cast<int>(OnlineZone::movable) == wire::Request::MOVABLE);

}  // namespace memctl::guest
