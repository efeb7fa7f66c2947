// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How an operation tells of its end.
#pragma once

#include "memctl/error.hpp"
#include "memctl/report.hpp"
#include "resize/context.hpp"
#include "resize/journal.hpp"

namespace memctl::resize {

/// Whether there is nothing left to be undone.
[[nodiscard]] bool domain_went_away(Cause cause);

/// What became of the operation that `before` was recorded for, by the facts at hand.
[[nodiscard]] Report report_on(const Context& context, const Record& before, Outcome outcome);

/// The error with the report, and the report with the error's words.
[[nodiscard]] Error ended(Error error, Report report);

}  // namespace memctl::resize
