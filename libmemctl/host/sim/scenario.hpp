// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/sim/scenario_action.hpp"
#include "host/sim/world.hpp"

namespace memctl::host::sim {

/// The contents of a file that describes a world.
struct Scenario {
  WorldSpec world{};
  std::vector<GuestSpec> guests{};
  std::vector<ScenarioAction> actions{};
  std::optional<double> pace{};
};

/// A host of 64 GiB with demo-pv, demo-pvh and demo-hvm.
[[nodiscard]] Scenario default_scenario();
/// Errors: `invalid_argument`, with a message that says what is wrong and a hint that says what
/// would be right.
[[nodiscard]] Result<Scenario> parse_scenario(std::string_view json);
/// Parse one element of "guests" and one element of "actions"; here an action needs no "at".
/// Errors: those of `parse_scenario`.
[[nodiscard]] Result<GuestSpec> parse_guest(std::string_view json);
[[nodiscard]] Result<ScenarioAction> parse_action(std::string_view json);
[[nodiscard]] Result<Scenario> read_scenario(const std::string& file);
/// Makes the world, starts its guests and schedules its actions. Errors: `host_memory`.
[[nodiscard]] Result<std::unique_ptr<World>> make_world(const Scenario& scenario);

}  // namespace memctl::host::sim
