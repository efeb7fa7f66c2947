// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a simulated host and its guests say, in the words of the lab's own tools: lab-probe,
// xenstore-read and lab-guest -f.
#pragma once

#include <nlohmann/json.hpp>

#include "host/sim/world.hpp"

namespace memctl::scenario {

/// Xen's own counts, of the host and of every domain.
[[nodiscard]] nlohmann::json host_facts(host::sim::World& world);
/// What the guest's own kernel says, and what xenstore says of it. It may be gone.
[[nodiscard]] nlohmann::json guest_facts(host::sim::World& world, DomainId id);

}  // namespace memctl::scenario
