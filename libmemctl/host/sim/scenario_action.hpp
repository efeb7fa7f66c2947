// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "host/sim/json_object.hpp"
#include "host/sim/world.hpp"

namespace memctl::host::sim {

/// Something that another tool or a guest does in a world.
struct ScenarioAction {
  Duration at{};        ///< The time after the world's beginning.
  std::string what{};   ///< One of the names in docs/simulator.md.
  std::string guest{};  ///< Empty if the action is not about a guest.
  Kib size{};           ///< Zero if the action has no size.
};

/// Throws `JsonWrong`.
[[nodiscard]] ScenarioAction read_action(const Json& json, const std::string& where);

/// Does the action now. Errors: `no_such_domain`, and libxl's error if libxl refuses it.
Result<void> perform(World& world, const ScenarioAction& action);

}  // namespace memctl::host::sim
