// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Makes a decision from facts. Pure: no I/O, no clock, the same answer for the same input.
#pragma once

#include <optional>
#include <vector>

#include "memctl/error.hpp"
#include "memctl/plan.hpp"
#include "memctl/size.hpp"
#include "plan/input.hpp"

namespace memctl::plan {

/// The stages from the present size to `goal`, if nothing else happens in the guest. Asks none of
/// the rules. Errors: those of `step`, if a stage would not be safe.
[[nodiscard]] Result<std::vector<Stage>> walk(const Input& input, Kib goal);

/// The stages to `to`, if every rule lets it pass. Errors: the first refusal, as plan/limits.hpp
/// describes it.
[[nodiscard]] Result<std::vector<Stage>> stages_to(const Input& input, Kib to);

/// The sizes that would be granted now. It asks the same rules and the same walk as a resize, so a
/// resize grants what the range offers. Errors: the reason why every size would be refused, the
/// present size too.
[[nodiscard]] Result<SizeRange> range_of(const Input& input);

/// What a resize would do. Errors: its refusal, with the domain's name, the range of sizes, and the
/// nearest size in that range.
[[nodiscard]] Result<Plan> make_plan(const Input& input, const SizeRequest& request);

/// The next stage of a resize under way, on fresh facts. Nothing: the goal is reached. Errors:
/// `guest_memmap` (growing) and `guest_pressure` (shrinking) if no stage is safe now.
[[nodiscard]] Result<std::optional<Stage>> next_stage(const Input& input, Kib goal);

}  // namespace memctl::plan
