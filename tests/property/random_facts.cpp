// SPDX-License-Identifier: LGPL-2.1-or-later
#include "random_facts.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "memctl/size.hpp"
#include "plan/pool.hpp"

namespace memctl {

void showValue(Kib size, std::ostream& out) { out << to_string(size); }

namespace plan {

void showValue(const Input& input, std::ostream& out) {
  const DomainFacts& domain = input.domain;
  const auto optional = [](const std::optional<Kib>& size) {
    return size ? to_string(*size) : std::string{"?"};
  };
  out << "host " << to_string(to_kib(input.host.free)) << " free, "
      << to_string(to_kib(input.host.claimed)) << " claimed, "
      << to_string(input.terms.host_reserve) << " reserve; " << name(domain.identity.type) << " "
      << to_string(to_kib(domain.memory.allocated)) << " of target " << optional(domain.target)
      << ", static-max " << optional(domain.limit) << ", boot " << optional(domain.boot_limit)
      << ", pool " << optional(domain.pool) << ", frozen " << optional(domain.frozen_pool)
      << (domain.managed_by_libvirt == true ? ", libvirt" : "")
      << (domain.passthrough_devices != 0 ? ", PCI device" : "")
      << (domain.identity.device_model_of ? ", device model" : "") << ", video "
      << to_string(domain.video_ram) << ", max_pages " << to_string(domain.memory.max_pages)
      << ", vcpus " << domain.vcpus;
  for (const HostNode& node : input.host.nodes) {
    out << "; node " << node.node << " " << to_string(to_kib(node.free)) << " free, "
        << to_string(to_kib(node.low)) << " low";
  }
  if (domain.node_affinity) {
    out << (input.terms.numa == Numa::local ? "; local to" : "; affinity");
    for (const int node : *domain.node_affinity) out << " " << node;
  }
  if (!input.guest) {
    out << "; no agent";
    return;
  }
  const AgentReport& report = input.guest->report;
  out << "; kernel " << input.guest->hello.kernel_release << " on " << input.guest->hello.machine
      << ", high memory free " << optional(report.highmem_free) << ", blocks "
      << to_string(input.guest->hello.block_size) << ", kernel-zone free "
      << to_string(report.kernel_zone_free) << " + " << to_string(report.kernel_zone_reclaimable)
      << ", inflated " << optional(report.balloon_inflated) << ", total "
      << to_string(report.mem_total) << ", offline blocks "
      << report.blocks_present - report.blocks_online << ", movable blocks "
      << report.blocks_movable << (input.terms.online == OnlineZone::movable ? "; movable" : "")
      << (input.terms.force_movable ? ", forced" : "");
}

}  // namespace plan
}  // namespace memctl

namespace memctl::property {
namespace {

template <class T>
void sometimes_unknown(std::optional<T>& value) {
  if (one_in(30)) value.reset();
}

/// Half of all hosts have one node. The free memory of the others lies anywhere, and a part of it
/// is low.
void add_nodes(plan::Input& input) {
  if (one_in(2)) return;
  input.host.numa_nodes = *rc::gen::inRange(2, 5);
  input.domain.node_affinity.emplace();
  Pages left = input.host.free;
  for (int node = 0; node < input.host.numa_nodes; ++node) {
    const bool last = node + 1 == input.host.numa_nodes;
    const Pages free = last ? left : left / 100 * *rc::gen::inRange(0, 101);
    const Pages low = one_in(2) ? Pages{} : free / 100 * *rc::gen::inRange(0, 101);
    input.host.nodes.push_back({.node = node, .total = input.host.free, .free = free, .low = low});
    left -= free;
    if (one_in(2)) input.domain.node_affinity->push_back(node);
  }
  if (input.domain.node_affinity->empty()) input.domain.node_affinity->push_back(0);
}

DomainFacts sound_domain() {
  DomainFacts facts;
  facts.identity = {.id = DomainId{1}, .name = "g", .type = *types()};
  const Kib size = *sizes(64_MiB, 2_TiB) + odd_rest();
  const Kib boot = one_in(2) ? size : *sizes(64_MiB, size);
  const Kib limit = one_in(2) ? size : size + *sizes(4_KiB, 1_TiB) + odd_rest();
  facts.vcpus = *rc::gen::inRange(1, 129);
  if (facts.identity.type == DomainType::hvm && one_in(2)) facts.video_ram = 16_MiB + odd_rest();
  // Most domains are settled within a few pages. The others are on their way, or held up anywhere.
  const Kib off = kib_per_page * *rc::gen::inRange(-20, 260);
  const Kib present = one_in(5) ? *sizes(32_MiB, size) : size + off;
  facts.memory = {.allocated = to_pages(present), .max_pages = limit + 1_MiB};
  if (one_in(12)) facts.memory.max_pages = to_kib(to_pages(*sizes(32_MiB, limit)));
  facts.target = size - facts.video_ram;
  facts.limit = limit;
  facts.has_stored_configuration = true;
  facts.boot_limit = boot;
  facts.passthrough_devices = 0;
  facts.reported_started = !one_in(4);
  facts.emulated_dma_devices = false;
  facts.managed_by_libvirt = false;
  if (facts.identity.type == DomainType::pv) return facts;
  facts.hap = !one_in(4);
  facts.pool = plan::pool_for(one_in(2) ? boot : limit, facts.vcpus, *facts.hap);
  facts.pod_entries = Pages{};
  if (one_in(3)) facts.frozen_pool = facts.pool;
  return facts;
}

void make_odd(DomainFacts& facts) {
  facts.memory.paused = one_in(60);
  facts.has_stored_configuration = !one_in(60);
  facts.in_shim = facts.identity.type == DomainType::pvh && one_in(20);
  if (one_in(10)) facts.passthrough_devices = *rc::gen::inRange(1, 3);
  if (one_in(60)) facts.identity.device_model_of = DomainId{2};
  if (one_in(10)) facts.emulated_dma_devices = true;
  if (one_in(10)) facts.managed_by_libvirt = true;
  if (one_in(30)) facts.pod_entries = Pages{512};
  sometimes_unknown(facts.target);
  sometimes_unknown(facts.limit);
  sometimes_unknown(facts.boot_limit);
  sometimes_unknown(facts.hap);
  sometimes_unknown(facts.pool);
  sometimes_unknown(facts.pod_entries);
  sometimes_unknown(facts.passthrough_devices);
  sometimes_unknown(facts.emulated_dma_devices);
  sometimes_unknown(facts.managed_by_libvirt);
}

GuestFacts guest(const DomainFacts& domain) {
  static const std::vector<std::string> kernels{"6.1.158", "6.12.57", "5.10.0-13-amd64",
                                                "5.10.71", "5.15.20", ""};
  const Kib total = to_kib(domain.memory.allocated);
  const Kib free = *sizes(4_KiB, total);
  const Kib block = one_in(3) ? 128_MiB * (1 << *rc::gen::inRange(0, 10)) : 128_MiB;
  GuestFacts facts{.hello = {.protocol_min = 1,
                             .protocol_max = 1,
                             .kernel_release = one_in(4) ? *rc::gen::elementOf(kernels) : "6.1.158",
                             .block_size = block,
                             .hotplug = true},
                   .report = {.mem_total = total - total / 20,
                              .kernel_zone_free = free,
                              .kernel_zone_reclaimable = one_in(2) ? Kib{} : (total - free) / 2}};
  if (!one_in(5)) facts.report.balloon_inflated = one_in(2) ? Kib{} : *sizes(4_KiB, 1_TiB);
  if (one_in(6)) {  // it starves: the description of a block may fit, or what the balloon holds
    facts.report.kernel_zone_free = *sizes(4_MiB, 16_MiB);
    facts.report.kernel_zone_reclaimable = Kib{};
    facts.report.balloon_inflated = *sizes(4_KiB, 8_MiB);
  }
  if (one_in(4)) facts.report.blocks_movable = 3;
  facts.report.blocks_present = facts.report.blocks_online = 3;
  if (one_in(8)) facts.report.blocks_present += *rc::gen::inRange(1, 9);
  if (one_in(6)) {
    facts.hello.machine = "i686";
    facts.hello.block_size = 512_MiB;
    if (!one_in(4)) facts.hello.kernel_release = "4.12.14";
    facts.report.kernel_zone_free = std::min(facts.report.kernel_zone_free, 800_MiB);
    facts.report.kernel_zone_reclaimable = std::min(facts.report.kernel_zone_reclaimable, 200_MiB);
    if (!one_in(5)) facts.report.highmem_free = *sizes(4_KiB, total);
  }
  if (one_in(2)) {
    // Linux gives up as much as the video RAM, or not, and does not find some of its memory.
    const Kib asked = *domain.target - (one_in(2) ? domain.video_ram : Kib{}) - 388_KiB;
    facts.report.balloon_target = round_down(asked, kib_per_page);
    facts.report.balloon_current = one_in(2) ? *facts.report.balloon_target : total;
  }
  return facts;
}

}  // namespace

Kib odd_rest() { return one_in(3) ? Kib{*rc::gen::inRange(1, 4)} : Kib{}; }

bool one_in(int n) { return *rc::gen::inRange(0, n) == 0; }

rc::Gen<Kib> sizes(Kib smallest, Kib largest) {
  const double from = std::log2(static_cast<double>(std::max(smallest, kib_per_page).count()));
  const double to = std::log2(static_cast<double>(std::max(largest, kib_per_page).count()));
  return rc::gen::map(rc::gen::resize(1000, rc::gen::inRange(0, 10'001)), [=](int permyriad) {
    const double power = from + (to - from) * permyriad / 10'000.0;
    const Kib size = Kib{static_cast<std::int64_t>(std::exp2(power))};
    return std::clamp(round_down(size, kib_per_page), kib_per_page,
                      std::max(largest, kib_per_page));
  });
}

rc::Gen<DomainType> types() {
  return rc::gen::element(DomainType::pv, DomainType::pvh, DomainType::hvm);
}

rc::Gen<std::string> hostile_texts() {
  return rc::gen::exec([] {
    static const std::string signs = " ;|&$`'\"\\\n\x1b<>()*?~#-/.=!\x80";
    static const std::vector<std::string> beginnings{
        "", "-", "--all ", "web1; ", "/etc/udev/rules.d/", "/etc/udev/rules.d/../../xen/"};
    std::string text = *rc::gen::elementOf(beginnings);
    for (int length = *rc::gen::inRange(1, 20); length > 0; --length) {
      text += one_in(3) ? 'x' : *rc::gen::elementOf(signs);
    }
    return text + ";";
  });
}

rc::Gen<plan::Input> sound_input() {
  return rc::gen::exec([] {
    plan::Input input;
    input.domain = sound_domain();
    input.host = {.free = to_pages(*sizes(128_MiB, 4_TiB)), .xen_major = 4, .xen_minor = 17};
    if (one_in(3)) input.host.claimed = to_pages(*sizes(4_KiB, to_kib(input.host.free)));
    add_nodes(input);
    input.guest = guest(input.domain);
    input.terms = {.host_reserve = one_in(4) ? *sizes(4_KiB, 1_GiB) : 64_MiB,
                   .online = one_in(5) ? OnlineZone::movable : OnlineZone::kernel,
                   .force_movable = one_in(2),
                   .numa = one_in(3) ? Numa::local : Numa::any};
    if (one_in(10)) input.terms.maximum = *sizes(64_MiB, 2_TiB) + odd_rest();
    return input;
  });
}

rc::Gen<plan::Input> any_input() {
  return rc::gen::exec([] {
    plan::Input input = *sound_input();
    make_odd(input.domain);
    if (one_in(4)) input.host.xen_minor = 20;
    if (one_in(20)) input.host.nodes.clear();
    sometimes_unknown(input.domain.node_affinity);
    if (one_in(20)) input.guest.reset();
    using State = plan::Holder::State;
    if (one_in(30)) {
      input.holder.state = *rc::gen::element(State::alive, State::dead, State::damaged);
    }
    if (one_in(30)) input.being_saved = one_in(2);
    if (input.guest && one_in(30)) input.guest->hello.hotplug = false;
    input.terms.agentless = one_in(2);
    input.terms.allow_hvm_devices = one_in(2);
    return input;
  });
}

}  // namespace memctl::property
