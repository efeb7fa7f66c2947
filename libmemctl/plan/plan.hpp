// SPDX-License-Identifier: LGPL-2.1-or-later
//
// From facts to a decision. Pure: no I/O, no clock, the same answer for the same input.
#pragma once

#include <optional>
#include <vector>

#include "memctl/error.hpp"
#include "memctl/plan.hpp"
#include "memctl/size.hpp"
#include "plan/input.hpp"

namespace memctl::plan {

/// The stages from the present size to `goal`, were nothing else to happen in the guest. No rule is
/// asked. Errors: why one of them would not be safe, as `step` tells it.
[[nodiscard]] Result<std::vector<Stage>> walk(const Input& input, Kib goal);

/// The stages to `to` if every rule lets it pass. Errors: the first refusal, a reason without the
/// domain's name (plan/limits.hpp).
[[nodiscard]] Result<std::vector<Stage>> stages_to(const Input& input, Kib to);

/// The sizes that would be granted now. The same rules and the same walk are asked again, so what
/// is offered is what is granted. Errors: the reason why no size at all would be granted, not even
/// the present one.
[[nodiscard]] Result<SizeRange> range_of(const Input& input);

/// What a resize would do. Errors: its refusal, with the domain's name, the range of sizes, and the
/// size in that range which is nearest to what was asked.
[[nodiscard]] Result<Plan> make_plan(const Input& input, const SizeRequest& request);

/// The next stage of a resize under way, on fresh facts; nothing: the goal is reached.
/// Errors: `guest_memmap` (growing) and `guest_pressure` (shrinking) if no step is safe now.
[[nodiscard]] Result<std::optional<Stage>> next_stage(const Input& input, Kib goal);

}  // namespace memctl::plan
