// SPDX-License-Identifier: LGPL-2.1-or-later
#include "random_host.hpp"

#include <array>
#include <string>

#include "memctl/size.hpp"
#include "random_facts.hpp"

namespace memctl::property {
namespace {

using host::sim::AgentConduct;
using host::sim::GuestSpec;
using namespace std::chrono_literals;

GuestSpec guest(int number) {
  GuestSpec spec{.name = "g" + std::to_string(number), .type = *types()};
  spec.memory = round_up(*sizes(128_MiB, 8_GiB), 1_MiB);
  if (one_in(5)) spec.maxmem = round_up(*sizes(spec.memory, 16_GiB), 1_MiB) + odd_rest();
  spec.vcpus = *rc::gen::inRange(1, 9);
  if (spec.type == DomainType::hvm && one_in(2)) spec.video_ram = 16_MiB + odd_rest();
  spec.hap = !one_in(6);
  spec.freeze_pool = one_in(3);
  spec.managed_by_libvirt = one_in(12);
  if (one_in(12)) spec.passthrough_devices = 1;
  spec.emulated_dma_devices = one_in(12);
  for (int node = 0; node < 3; ++node) {
    if (one_in(3)) spec.numa_nodes.push_back(node);
  }

  auto& kernel = spec.linux;
  const bool narrow = one_in(6);
  if (narrow) kernel = host::sim::LinuxSpec::of_32_bits();
  if (narrow && one_in(4)) kernel.kernel_release = "5.4.0-sim-686-pae";
  // The least that a guest can live with: its watermark, and a little more.
  const host::sim::GuestMemory usual{spec.memory, Kib{}, Kib{}, narrow};
  if (one_in(3)) kernel.kernel_free = *sizes(usual.watermark() + 2_MiB, spec.memory / 2);
  if (one_in(3)) kernel.reclaimable = *sizes(1_MiB, one_in(8) ? spec.memory : spec.memory / 4);
  if (!narrow && one_in(8)) kernel.block_size = 256_MiB * (1 << *rc::gen::inRange(0, 9));
  static const std::vector<std::string> policies{"offline", "online", "online_kernel",
                                                 "online_movable"};
  kernel.online_policy = *rc::gen::elementOf(policies);
  kernel.online_fails = one_in(25);
  if (one_in(12)) kernel.populated_per_second = *sizes(4_KiB, 128_MiB);
  if (one_in(6)) kernel.populated_per_second = *sizes(1_GiB, 10_GiB);
  if (one_in(10)) kernel.off_target = kib_per_page * *rc::gen::inRange(1, 16);
  static constexpr std::array conducts{AgentConduct::absent,   AgentConduct::killed,
                                       AgentConduct::garbage,  AgentConduct::huge,
                                       AgentConduct::lying,    AgentConduct::stale,
                                       AgentConduct::deleting, AgentConduct::chattering,
                                       AgentConduct::dripping, AgentConduct::owing};
  if (one_in(12)) spec.agent.conduct = *rc::gen::elementOf(conducts);
  if (one_in(6)) {
    spec.agent.report_latency = std::chrono::milliseconds{*rc::gen::inRange(50, 501)};
  }
  // Agents and records of later versions.
  if (one_in(10)) spec.agent.protocol_max = 3;
  if (one_in(25)) spec.agent.protocol_min = spec.agent.protocol_max = 2;
  if (one_in(25)) spec.journal = R"({"format":2,"owner":"nobody"})";
  return spec;
}

const std::array goal_names = {"up", "beyond", "down", "by_pages", "largest", "floor", "same"};
const std::array trouble_names = {"none",
                                  "host_memory_taken",
                                  "host_memory_given_back",
                                  "guest_takes_memory",
                                  "guest_frees_memory",
                                  "agent_killed",
                                  "agent_back",
                                  "agent_starts_anew",
                                  "cancelled",
                                  "rival_target",
                                  "paused_a_while",
                                  "save_begins",
                                  "save_ends",
                                  "saved_and_restored",
                                  "rebooted",
                                  "destroyed",
                                  "held_below"};

}  // namespace

rc::Gen<HostChoice> hosts() {
  return rc::gen::exec([] {
    HostChoice choice;
    choice.world = {.host = round_up(*sizes(1_GiB, 64_GiB), 1_MiB),
                    .xen_minor = *rc::gen::element(17, 18, 20, 22),
                    .seed = static_cast<std::uint64_t>(*rc::gen::inRange(1, 1'000'000))};
    if (one_in(3)) choice.world.numa_nodes = *rc::gen::inRange(2, 4);
    const int count = *rc::gen::inRange(1, 5);
    for (int i = 0; i < count; ++i) {
      choice.guests.push_back(guest(i));
      std::erase_if(choice.guests.back().numa_nodes,
                    [&](int node) { return node >= choice.world.numa_nodes; });
    }
    return choice;
  });
}

rc::Gen<Step> steps() {
  return rc::gen::exec([] {
    Step step;
    step.guest = *rc::gen::inRange(0, 4);
    step.goal = static_cast<Goal>(
        *rc::gen::weightedElement<int>({{8, 0}, {2, 1}, {6, 2}, {2, 3}, {2, 4}, {2, 5}, {1, 6}}));
    step.amount = *rc::gen::inRange(0, 1001);
    if (one_in(3)) {
      step.trouble = static_cast<Trouble>(*rc::gen::inRange(1, 16));
      step.trouble_amount = *rc::gen::inRange(0, 1001);
      step.at = one_in(3) ? -1ms : std::chrono::milliseconds{*rc::gen::inRange(0, 3000)};
    }
    step.another_too = one_in(12);
    auto& options = step.options;
    if (one_in(8)) options.timeout = std::chrono::milliseconds{*rc::gen::inRange(1, 5000)};
    if (one_in(4)) options.on_failure = OnFailure::keep;
    if (one_in(6)) options.online = OnlineZone::movable;
    options.force_movable = one_in(2);
    options.agentless = one_in(15);
    options.allow_hvm_devices = one_in(2);
    if (one_in(8)) options.host_reserve = *sizes(4_KiB, 1_GiB);
    if (one_in(4)) options.numa = Numa::local;
    return step;
  });
}

void showValue(const HostChoice& choice, std::ostream& out) {
  out << "host " << to_string(choice.world.host) << ", Xen 4." << choice.world.xen_minor
      << ", seed " << choice.world.seed << ", nodes " << choice.world.numa_nodes;
  for (const GuestSpec& guest : choice.guests) {
    const auto& kernel = guest.linux;
    out << "\n  " << guest.name << ": " << name(guest.type) << " " << to_string(guest.memory);
    if (guest.maxmem) out << " maxmem " << to_string(*guest.maxmem);
    out << ", vcpus " << guest.vcpus << ", video " << to_string(guest.video_ram)
        << (guest.hap ? "" : ", shadow") << (guest.freeze_pool ? ", frozen pool" : "")
        << (guest.managed_by_libvirt ? ", libvirt" : "")
        << (guest.passthrough_devices != 0 ? ", passthrough" : "")
        << (guest.emulated_dma_devices ? ", devices" : "");
    for (const int node : guest.numa_nodes) out << ", node " << node;
    if (kernel.kernel_free) out << ", free " << to_string(*kernel.kernel_free);
    out << ", cache " << to_string(kernel.reclaimable) << ", kernel " << kernel.kernel_release
        << " on " << kernel.machine << ", blocks " << to_string(kernel.block_size) << ", policy "
        << kernel.online_policy << (kernel.online_fails ? ", online fails" : "") << ", off "
        << to_string(kernel.off_target) << ", a second " << to_string(kernel.populated_per_second)
        << ", agent " << static_cast<int>(guest.agent.conduct) << ", its reports after "
        << guest.agent.report_latency / 1ms << " ms, of protocol " << guest.agent.protocol_min
        << " to " << guest.agent.protocol_max << (guest.journal.empty() ? "" : ", newer record");
  }
}

void showValue(const Step& step, std::ostream& out) {
  const auto& options = step.options;
  out << "\n  g" << step.guest << " " << goal_names.at(static_cast<std::size_t>(step.goal)) << " "
      << step.amount << "; " << trouble_names.at(static_cast<std::size_t>(step.trouble)) << " "
      << step.trouble_amount << " at " << step.at.count() << " ms"
      << (step.another_too ? "; another too" : "");
  if (options.timeout) out << "; timeout " << options.timeout->count();
  out << (options.on_failure == OnFailure::keep ? "; keep" : "")
      << (options.online == OnlineZone::movable ? "; movable" : "")
      << (options.force_movable ? ", forced" : "") << (options.agentless ? "; agentless" : "")
      << (options.allow_hvm_devices ? "; hvm devices" : "") << "; reserve "
      << to_string(options.host_reserve) << (options.numa == Numa::local ? "; local" : "");
}

}  // namespace memctl::property
