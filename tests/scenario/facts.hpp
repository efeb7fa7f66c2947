// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The facts of a simulated host and its guests, in the format of the lab's tools: lab-probe,
// xenstore-read and lab-guest -f.
#pragma once

#include <nlohmann/json.hpp>

#include "host/sim/world.hpp"

namespace memctl::scenario {

/// Xen's own counts for the host and for every domain.
[[nodiscard]] nlohmann::json host_facts(host::sim::World& world);
/// What the guest's kernel says, and what xenstore says about the guest. The guest may be gone.
[[nodiscard]] nlohmann::json guest_facts(host::sim::World& world, DomainId id);

}  // namespace memctl::scenario
