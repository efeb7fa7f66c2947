// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Random facts for the plan. A guest may say anything that is within the bounds of a message.
#pragma once

#include <rapidcheck.h>

#include <string>

#include "plan/input.hpp"

namespace memctl {
void showValue(Kib size, std::ostream& out);
namespace plan {
void showValue(const Input& input, std::ostream& out);
}
}  // namespace memctl

namespace memctl::property {

/// From 4 KiB to `largest`, as many small as large ones; whole pages.
[[nodiscard]] rc::Gen<Kib> sizes(Kib smallest, Kib largest);
[[nodiscard]] rc::Gen<DomainType> types();
/// What a size of another tool may have beyond whole pages: up to 3 KiB, and mostly nothing.
[[nodiscard]] Kib odd_rest();
/// True once in `n` times.
[[nodiscard]] bool one_in(int n);
/// What a name or a path may be, so that it does harm in a command. Never a plain word.
[[nodiscard]] rc::Gen<std::string> hostile_texts();
/// A domain that has nothing against a resize, with an agent that answers.
[[nodiscard]] rc::Gen<plan::Input> sound_input();
/// The same, or a domain with anything missing, unknown or in the way.
[[nodiscard]] rc::Gen<plan::Input> any_input();

}  // namespace memctl::property
