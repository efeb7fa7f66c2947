// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A decision (libmemctl/plan/plan.hpp). The domain and the host are as Xen may show them, sound or
// odd; the guest says whatever a message can hold.
#include "plan/plan.hpp"

#include <algorithm>
#include <vector>

#include "agent_words.hpp"
#include "bytes.hpp"
#include "memctl/size.hpp"
#include "plan/input.hpp"
#include "plan/pool.hpp"
#include "require.hpp"

namespace memctl::fuzz {
namespace {

using plan::Input;

DomainFacts domain_of(Bytes& bytes) {
  DomainFacts facts;
  facts.identity = {.id = DomainId{1}, .name = "g", .type = bytes.one_of(DomainType::hvm)};
  const bool is_pv = facts.identity.type == DomainType::pv;
  const Kib size = 64_MiB + bytes.size(2_TiB);
  const Kib limit = bytes.flag() ? size : size + bytes.size(1_TiB);
  facts.vcpus = 1 + static_cast<int>(bytes.below(128));
  if (facts.identity.type == DomainType::hvm && bytes.flag()) facts.video_ram = 16_MiB;
  const Kib off = kib_per_page * (static_cast<std::int64_t>(bytes.below(280)) - 20);
  const Kib present = bytes.below(4) == 1 ? 32_MiB + bytes.size(size) : size + off;
  facts.memory = {.allocated = to_pages(present), .max_pages = limit + 1_MiB};
  if (bytes.below(8) == 1) facts.memory.max_pages = to_kib(to_pages(32_MiB + bytes.size(limit)));
  facts.memory.paused = bytes.below(32) == 1;
  facts.memory.shutdown =
      bytes.below(32) == 1 ? bytes.one_of(ShutdownReason::other) : ShutdownReason::none;
  facts.target = size - facts.video_ram;
  facts.limit = limit;
  facts.has_stored_configuration = bytes.below(32) != 1;
  facts.boot_limit = bytes.flag() ? size : 64_MiB + bytes.size(size);
  facts.passthrough_devices = bytes.below(16) == 1 ? 1 : 0;
  facts.emulated_dma_devices = bytes.below(8) == 1;
  facts.managed_by_libvirt = bytes.below(8) == 1;
  facts.reported_started = bytes.flag();
  if (!is_pv) {
    facts.hap = bytes.below(4) != 1;
    facts.pool = plan::pool_for(bytes.flag() ? *facts.boot_limit : limit, facts.vcpus, *facts.hap);
    facts.pod_entries =
        Pages{static_cast<std::int64_t>(bytes.below(8) == 1 ? bytes.below(65536) : 0)};
    if (bytes.flag()) facts.frozen_pool = facts.pool;
  }
  if (bytes.below(8) != 1) return facts;
  if (bytes.flag()) facts.target.reset();
  if (bytes.flag()) facts.limit.reset();
  if (bytes.flag()) facts.boot_limit.reset();
  if (bytes.flag()) facts.hap.reset();
  if (bytes.flag()) facts.pool.reset();
  if (bytes.flag()) facts.pod_entries.reset();
  if (bytes.flag()) facts.passthrough_devices.reset();
  if (bytes.flag()) facts.emulated_dma_devices.reset();
  if (bytes.flag()) facts.managed_by_libvirt.reset();
  facts.in_shim = bytes.flag();
  return facts;
}

/// The nodes as Xen may show them, which is not at one moment with the host's counts.
void draw_nodes(Bytes& bytes, Input& input) {
  input.host.numa_nodes = 1 + static_cast<int>(bytes.below(4));
  input.terms.numa = bytes.one_of(Numa::local);
  for (int node = 0; node < input.host.numa_nodes; ++node) {
    const Pages free = to_pages(bytes.size(2_TiB));
    input.host.nodes.push_back(
        {.node = node,
         .total = free + to_pages(bytes.size(2_TiB)),
         .free = free,
         .low = bytes.flag() ? to_pages(bytes.size(to_kib(free))) : Pages{}});
  }
  if (bytes.below(8) == 1) input.host.nodes.clear();
  if (bytes.below(8) == 1) return;
  input.domain.node_affinity.emplace();
  for (int node = 0; node < input.host.numa_nodes + 1; ++node) {
    if (bytes.flag()) input.domain.node_affinity->push_back(node);
  }
}

/// Nothing: what it says cannot be decoded.
std::optional<GuestFacts> guest_of(Bytes& bytes) {
  const auto hello = guest::decode_hello(guest::encode(hello_of(bytes)));
  const auto report = guest::decode_report(guest::encode(report_of(bytes, {})));
  if (!hello || !report) return std::nullopt;
  return GuestFacts{.hello = *hello, .report = *report};
}

Input input_of(Bytes& bytes) {
  Input input;
  input.domain = domain_of(bytes);
  input.host = {.free = to_pages(bytes.size(4_TiB)), .xen_major = 4, .xen_minor = 17};
  if (bytes.flag()) input.host.claimed = to_pages(bytes.size(to_kib(input.host.free)));
  if (bytes.below(8) == 1) input.host.xen_minor = 20;
  input.terms.host_reserve = bytes.flag() ? 64_MiB : bytes.size(1_TiB);
  input.terms.online = bytes.one_of(OnlineZone::movable);
  input.terms.agentless = bytes.below(8) == 1;
  input.terms.allow_hvm_devices = bytes.flag();
  if (bytes.below(8) == 1) input.terms.minimum = bytes.size(2_TiB);
  if (bytes.below(8) == 1) input.terms.maximum = bytes.size(2_TiB);
  if (bytes.below(16) == 1) input.holder.state = bytes.one_of(plan::Holder::State::newer);
  if (bytes.below(16) == 1) input.being_saved = bytes.flag();
  if (bytes.below(8) != 1) input.guest = guest_of(bytes);
  if (bytes.below(8) == 1) input.guest_demand = bytes.size(1_TiB);
  return input;
}

void check(const Plan& plan, const SizeRange& range, const Input& input) {
  require(plan.range == range, "a plan shows the range");
  require(plan.to >= range.smallest.size && plan.to <= range.largest.size,
          "a size that is granted lies in the range", to_string(plan.to));
  require(plan.limit >= plan.to && plan.limit >= plan.earlier_limit, "the limit fits the size");
  const Kib from = plan::present_size(input);
  Kib size = from;
  for (const Stage& stage : plan.stages) {
    require(stage.blocks >= 0 && stage.memmap >= Kib{}, "a stage adds no negative amount");
    require(stage.host_memory == stage.size - size, "a stage takes what it adds");
    size = stage.size;
  }
  require(size == plan.to, "the stages end at the size", to_string(size));
  const bool is_known = plan.numa_forecast && plan.numa_forecast->local;
  const bool may_be_remote = input.terms.numa == Numa::any || input.host.numa_nodes <= 1;
  require(may_be_remote || plan.to <= from || is_known,
          "growth is granted as local only if it is foretold", to_string(plan.to));
  if (!is_known) return;
  require(*plan.numa_forecast->local >= Kib{} &&
              *plan.numa_forecast->local <= std::max(Kib{}, plan.to - from),
          "no more than the growth is local", to_string(*plan.numa_forecast->local));
  require(may_be_remote || *plan.numa_forecast->local >= plan.to - from,
          "what is to be local is forecast to be", to_string(plan.to));
}

void check(const Input& input, const SizeRequest& request) {
  const auto plan = plan::make_plan(input, request);
  const auto range = plan::range_of(input);
  if (!plan) require_sound(plan.error());
  if (!range) {
    require(!plan && !plan.error().range, "without a range, no size is granted");
    return;
  }
  const SizeRange& sizes = range.value();
  require(sizes.smallest.size <= sizes.largest.size, "a range begins before it ends");
  require(is_one_line(sizes.smallest.reason) && is_one_line(sizes.largest.reason),
          "the reasons of a range are lines");
  require(sizes.step >= kib_per_page, "sizes go in pages or more");
  if (plan) return check(plan.value(), sizes, input);
  require(!plan.error().range || *plan.error().range == sizes, "a refusal shows the range");
  for (const Kib offered :
       {sizes.smallest.size, sizes.largest.size, sizes.nearest(request.amount)}) {
    require(plan::make_plan(input, offered).has_value(), "an offered size is granted",
            to_string(offered));
  }
}

}  // namespace
}  // namespace memctl::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace memctl;
  fuzz::Bytes bytes{data, size};
  auto input = fuzz::input_of(bytes);
  const Kib asked = 4_KiB + bytes.size(8_TiB);
  if (bytes.flag()) fuzz::draw_nodes(bytes, input);
  fuzz::check(input, asked);
  return 0;
}
