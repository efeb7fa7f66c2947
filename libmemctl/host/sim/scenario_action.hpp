// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "host/sim/json_object.hpp"
#include "host/sim/world.hpp"

namespace memctl::host::sim {

/// Something that somebody does to a world, at a time after its beginning where a file says so.
struct ScenarioAction {
  Duration at{};
  std::string what{};   ///< One of the names in docs/simulator.md.
  std::string guest{};  ///< Where it is about one.
  Kib size{};           ///< Where it has one.
};

/// Throws `JsonWrong`.
[[nodiscard]] ScenarioAction read_action(const Json& json, const std::string& where);

/// Does it now. Errors: `no_such_domain`, and libxl's where it refuses.
Result<void> perform(World& world, const ScenarioAction& action);

}  // namespace memctl::host::sim
