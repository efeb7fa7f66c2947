// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/sim/agent_surroundings.hpp"

#include <cerrno>
#include <cstddef>

namespace memctl::host::sim {

agent::KernelFacts AgentKernel::facts() const {
  const LinuxSpec& spec = linux_.spec();
  return {.release = spec.kernel_release,
          .build = spec.kernel_build,
          .machine = spec.machine,
          .block_size = spec.block_size,
          .hotplug = spec.hotplug,
          .no_hotplug_reason =
              spec.hotplug ? "" : "the kernel was built without CONFIG_XEN_BALLOON_MEMORY_HOTPLUG"};
}

std::optional<agent::OnlinePolicy> AgentKernel::policy() const {
  return agent::policy_named(linux_.spec().online_policy);
}

int AgentKernel::set_policy(agent::OnlinePolicy policy) {
  linux_.set_online_policy(agent::name(policy));
  return 0;
}

// The simulated kernel only counts its blocks. So the last blocks are taken for the offline blocks,
// and the blocks below them for the movable blocks.
void AgentKernel::scan(std::vector<agent::Block>& blocks) {
  blocks.clear();
  const std::int64_t present = linux_.blocks_present();
  const std::int64_t online = present - linux_.blocks_offline();
  const std::int64_t kernel = online - linux_.blocks_movable();
  blocks.reserve(static_cast<std::size_t>(present));
  for (std::int64_t id = 0; id < present; ++id) {
    blocks.push_back({.id = static_cast<std::uint32_t>(id),
                      .online = id < online,
                      .movable = id >= kernel && id < online});
  }
}

int AgentKernel::online(std::uint32_t block, OnlineZone zone) {
  const bool is_online = block < linux_.blocks_present() - linux_.blocks_offline();
  if (is_online || linux_.online_block(zone == OnlineZone::movable)) return 0;
  return EINVAL;
}

agent::BalloonFigures AgentKernel::balloon() const {
  return {.target = linux_.balloon_target(), .current = linux_.balloon_current()};
}

void AgentKernel::figures(AgentReport& report) const {
  const GuestMemory& memory = linux_.memory();
  report.mem_total = memory.total() + linux_.balloon_in_hand();
  report.balloon_current = linux_.balloon_current();
  report.mem_available = memory.available();
  report.kernel_zone_free = memory.kernel_free();
  report.kernel_zone_reclaimable = memory.reclaimable();
  report.highmem_free = memory.high_free();
  report.pressure_some_avg10 = linux_.pressure();
  report.pressure_full_avg10 = linux_.pressure() / 2;
  report.balloon_inflated = linux_.balloon_inflated();
}

Kib AgentKernel::free_memory() const {
  const GuestMemory& memory = linux_.memory();
  return memory.kernel_free() + memory.movable_free() + memory.high_free().value_or(Kib{});
}

bool AgentBallast::obtain() {
  linux_.lock(size);
  return true;
}

}  // namespace memctl::host::sim
