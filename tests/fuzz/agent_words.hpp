// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What an agent may say, from an input: anything that a message can hold.
#pragma once

#include <array>
#include <string>

#include "base/facts.hpp"
#include "bytes.hpp"
#include "guest/message.hpp"

namespace memctl::fuzz {

inline AgentHello hello_of(Bytes& bytes) {
  constexpr std::array kernels{"6.1.0-sim-amd64", "6.12.57",    "5.10.0-13-amd64", "5.10.71",
                               "5.15.20",         "5.4.150-x1", "4.19.209",        ""};
  constexpr std::array policies{"offline", "online", "online_kernel", "online_movable"};
  AgentHello hello{.protocol_min = 1, .protocol_max = 1};
  if (bytes.below(16) == 1) hello.protocol_min = static_cast<std::uint32_t>(bytes.number());
  if (bytes.below(16) == 1) hello.protocol_max = static_cast<std::uint32_t>(bytes.number());
  hello.kernel_release = kernels.at(bytes.below(kernels.size()));
  if (bytes.below(8) == 1) hello.kernel_release = bytes.short_text();
  if (bytes.below(8) == 1) hello.kernel_build = bytes.short_text();
  hello.block_size = 128_MiB;
  if (bytes.flag()) hello.block_size = 4_MiB * (std::int64_t{1} << bytes.below(15));
  hello.hotplug = bytes.below(4) != 1;
  if (!hello.hotplug) hello.no_hotplug_reason = bytes.short_text();
  hello.online_policy = policies.at(bytes.below(policies.size()));
  hello.instance = std::to_string(bytes.below(4));
  if (bytes.flag()) hello.udev_rule = bytes.short_text();
  hello.udev_rule_action = bytes.one_of(RuleAction::other);
  if (bytes.below(4) == 1) {
    hello.machine = "i686";
    if (bytes.flag()) hello.block_size = 512_MiB;
    if (bytes.flag()) hello.kernel_release = "4.12.14";
  }
  return hello;
}

/// A report on the request. One that keeps to the order of blocks, since no other can be decoded.
inline AgentReport report_of(Bytes& bytes, const AgentRequest& request) {
  AgentReport report{.operation = request.operation, .request = request.sequence};
  if (bytes.below(8) == 1) report.operation = bytes.number();
  if (bytes.below(8) == 1) report.request = bytes.number();
  report.sequence = bytes.below(65536);
  report.phase = bytes.flag() ? AgentPhase::ready : bytes.one_of(AgentPhase::failed);
  const auto part = [&bytes](std::int64_t whole) {
    return static_cast<std::int64_t>(bytes.below(static_cast<std::uint64_t>(whole) + 1));
  };
  report.blocks_present = part(bytes.flag() ? 1024 : (1 << 24) - 1);
  report.blocks_online = part(report.blocks_present);
  report.blocks_added = part(report.blocks_present);
  report.blocks_added_offline = bytes.flag() ? part(report.blocks_added) : 0;
  report.blocks_movable = bytes.flag() ? part(report.blocks_online) : 0;
  const Kib most = vast_size - 1_KiB;
  report.mem_total = bytes.size(most);
  report.mem_available = bytes.size(most);
  report.kernel_zone_free = bytes.size(most);
  report.kernel_zone_reclaimable = bytes.size(most);
  const auto size = [&] { return bytes.size(most); };
  report.balloon_target = bytes.sometimes(size);
  report.balloon_current = bytes.flag() ? report.balloon_target : bytes.sometimes(size);
  report.balloon_inflated = bytes.sometimes(size);
  report.pressure_some_avg10 =
      bytes.sometimes([&] { return static_cast<double>(bytes.below(10'001)) / 100; });
  if (bytes.below(8) == 1) report.error = bytes.short_text();
  report.highmem_free = bytes.sometimes(size);
  return report;
}

}  // namespace memctl::fuzz
