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

/// A world as a file describes it.
struct Scenario {
  WorldSpec world{};
  std::vector<GuestSpec> guests{};
  std::vector<ScenarioAction> actions{};
  std::optional<double> pace{};
};

/// A host of 64 GiB with demo-pv, demo-pvh and demo-hvm.
[[nodiscard]] Scenario default_scenario();
/// Errors: `invalid_argument`, one line with what is wrong, and what would be right as its hint.
[[nodiscard]] Result<Scenario> parse_scenario(std::string_view json);
/// One element of "guests", and one of "actions", which needs no "at" here. Errors: as above.
[[nodiscard]] Result<GuestSpec> parse_guest(std::string_view json);
[[nodiscard]] Result<ScenarioAction> parse_action(std::string_view json);
[[nodiscard]] Result<Scenario> read_scenario(const std::string& file);
/// The world, with its guests running and its actions to come. Errors: `host_memory`.
[[nodiscard]] Result<std::unique_ptr<World>> make_world(const Scenario& scenario);

}  // namespace memctl::host::sim
