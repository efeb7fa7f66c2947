// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <chrono>
#include <string>

#include "host/sim/world.hpp"

namespace memctl::host::sim {

inline GuestSpec pv(Kib memory = 160_MiB) {
  return {.name = "pv", .type = DomainType::pv, .memory = memory};
}
inline GuestSpec pvh(Kib memory = 160_MiB) {
  return {.name = "pvh", .type = DomainType::pvh, .memory = memory};
}
inline GuestSpec with_policy(GuestSpec spec, const char* policy) {
  spec.linux.online_policy = policy;
  return spec;
}
inline GuestSpec starving(GuestSpec spec, Kib free) {
  spec.linux.kernel_free = free;
  spec.linux.online_policy = "online_kernel";
  spec.pool = 16_MiB;
  return spec;
}

/// Calls xl mem-max and xl mem-set, and gives the guest a minute.
inline Result<void> set_size(World& world, DomainId id, Kib size) {
  BOOST_OUTCOME_TRY(world.mem_max(id, std::max(size, world.limit(id).value())));
  BOOST_OUTCOME_TRY(world.mem_set(id, size));
  world.advance(std::chrono::seconds{60});
  return success();
}

inline bool logged(Guest& guest, const std::string& text) {
  return std::ranges::any_of(guest.kernel().log(), [&](const std::string& line) {
    return line.find(text) != std::string::npos;
  });
}

}  // namespace memctl::host::sim
