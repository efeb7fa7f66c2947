// SPDX-License-Identifier: LGPL-2.1-or-later
//
// From facts to a decision. Pure: no I/O, no clock, the same answer for the same input.
#pragma once

#include <optional>

#include "memctl/error.hpp"
#include "memctl/plan.hpp"
#include "memctl/size.hpp"
#include "plan/input.hpp"

namespace memctl::plan {

/// The stages that bring the domain to the requested size, or the refusal: its one cause, the
/// limiting figure, and the largest size that would be granted (below the present one for a shrink:
/// the floor).
[[nodiscard]] Result<Plan> make_plan(const Input& input, const SizeRequest& request);

/// Where growing ends, and why. `largest` is at least the present size.
struct Ceiling {
  Kib largest{};
  Error limit{};      ///< The refusal of one page more.
  bool grants{true};  ///< False: the domain's own state refuses any resize.
};
[[nodiscard]] Ceiling ceiling(const Input& input);

/// The next stage of a resize under way, on fresh facts; nothing: the goal is reached.
/// Errors: `guest_memmap` (growing) and `guest_pressure` (shrinking) where no step is safe now.
[[nodiscard]] Result<std::optional<Stage>> next_stage(const Input& input, Kib goal);

}  // namespace memctl::plan
