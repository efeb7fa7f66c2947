// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a guest or dom0 writes into the mailbox (libmemctl/guest/message.hpp). The first byte tells
// whether the rest is the value itself or the message in it.
#include "guest/message.hpp"

#include <absl/strings/escaping.h>

#include "bytes.hpp"
#include "require.hpp"

namespace memctl::fuzz {
namespace {

using guest::encode;

bool is_size(const std::optional<Kib>& size) {
  return !size || (*size >= Kib{} && *size < vast_size);
}

void check(const AgentHello& hello) {
  for (const std::string& text : {hello.agent_version, hello.kernel_release, hello.kernel_build,
                                  hello.machine, hello.no_hotplug_reason, hello.online_policy,
                                  hello.instance, hello.udev_rule.value_or("")}) {
    require(is_one_line(text) && text.size() <= 128, "a text of a hello is short and harmless");
  }
  require(is_size(hello.block_size), "a block has a size");
  const auto again = guest::decode_hello(encode(hello));
  require(again && encode(*again) == encode(hello), "a hello is read as it was written");
}

void check(const AgentReport& report) {
  for (const auto& size : {std::optional{report.mem_total}, std::optional{report.mem_available},
                           std::optional{report.kernel_zone_free},
                           std::optional{report.kernel_zone_reclaimable}, report.balloon_target,
                           report.balloon_current, report.balloon_inflated, report.highmem_free}) {
    require(is_size(size), "a report's sizes have bounds");
  }
  require(report.blocks_online <= report.blocks_present &&
              report.blocks_added_offline <= report.blocks_added &&
              report.blocks_added <= report.blocks_present && report.blocks_added_offline >= 0,
          "a report's blocks add up");
  require(is_one_line(report.error), "a report's error is harmless");
  const std::string value = encode(report);
  if (value.empty()) return;  // all of its figures are zero: no agent writes that
  const auto again = guest::decode_report(value);
  require(again && encode(*again) == value, "a report is read as it was written");
}

void check(const AgentRequest& request) {
  require(is_size(request.target), "a request's size has bounds");
  const auto again = guest::decode_request(encode(request));
  require(again && encode(*again) == encode(request), "a request is read as it was written");
}

}  // namespace
}  // namespace memctl::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace memctl;
  fuzz::Bytes bytes{data, size};
  const bool is_value = bytes.flag();
  const std::string rest = bytes.rest();
  const std::string value = is_value ? rest : absl::Base64Escape(rest);
  if (const auto hello = guest::decode_hello(value)) fuzz::check(*hello);
  if (const auto report = guest::decode_report(value)) fuzz::check(*report);
  if (const auto request = guest::decode_request(value)) fuzz::check(*request);
  return 0;
}
