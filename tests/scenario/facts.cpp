// SPDX-License-Identifier: LGPL-2.1-or-later
#include "facts.hpp"

#include <optional>

namespace memctl::scenario {
namespace {

using nlohmann::json;

json kib(const std::optional<Kib>& size) { return size ? json(size->count()) : json(nullptr); }

/// Xen's SHUTDOWN_ codes.
unsigned code_of(ShutdownReason reason) {
  switch (reason) {
    case ShutdownReason::none:
    case ShutdownReason::poweroff:
      return 0;
    case ShutdownReason::reboot:
      return 1;
    case ShutdownReason::suspend:
      return 2;
    case ShutdownReason::crash:
      return 3;
    case ShutdownReason::other:
      break;
  }
  return 255;
}

json domain_facts(host::sim::XenModel& xen, DomainId id) {
  const host::sim::XenDomain& domain = *xen.find(id);
  const auto pool = to_kib(domain.pool.total);
  return {{"domid", number(id)},
          {"tot_pages", domain.allocated.count()},
          {"max_pages", domain.max_pages.count()},
          {"outstanding_pages", domain.claim.count()},
          {"pool_bytes", domain.type == DomainType::pv ? json(nullptr) : json(pool.count() * 1024)},
          {"dying", domain.dying},
          {"shutdown", domain.shutdown != ShutdownReason::none},
          {"shutdown_code", code_of(domain.shutdown)},
          {"paused", domain.paused},
          {"hvm", domain.type != DomainType::pv}};
}

}  // namespace

json host_facts(host::sim::World& world) {
  host::sim::XenModel& xen = world.xen();
  json domains = json::array();
  for (const DomainId id : world.running()) domains.push_back(domain_facts(xen, id));
  return {{"total_pages", xen.total().count()},
          {"free_pages", xen.free().count()},
          {"scrub_pages", xen.scrubbing().count()},
          {"outstanding_pages", xen.claimed().count()},
          {"domains", domains}};
}

json guest_facts(host::sim::World& world, DomainId id) {
  host::sim::Guest& guest = world.guest(id);
  const host::sim::LinuxGuest& kernel = guest.kernel();
  const host::sim::GuestMemory& memory = kernel.memory();
  const auto* record = world.toolstack().find(id);
  const std::string journal = "/libxl/" + std::to_string(number(id)) + "/memctl";
  return {{"alive", guest.alive()},
          {"agent", guest.agent().spec().conduct == host::sim::AgentConduct::normal},
          {"journal", world.store().read(host::sim::dom0, journal).value().has_value()},
          {"log", kernel.log()},
          {"limit_kib", kib(world.limit(id))},
          {"frozen_pool_kib", kib(record == nullptr ? std::nullopt : record->frozen_pool)},
          {"xenstore_target_kib", kib(world.target(id))},
          {"mem_total_kib", memory.total().count()},
          {"mem_free_kib", (memory.kernel_free() + memory.movable_free()).count()},
          {"mem_available_kib", memory.available().count()},
          {"target_kib", kernel.balloon_target().count()},
          {"current_kib", kernel.balloon_current().count()},
          {"online_policy", kernel.spec().online_policy},
          {"block_kib", kernel.spec().block_size.count()},
          {"blocks_present", kernel.blocks_present()},
          {"blocks_offline", kernel.blocks_offline()},
          {"blocks_movable", kernel.blocks_movable()}};
}

}  // namespace memctl::scenario
