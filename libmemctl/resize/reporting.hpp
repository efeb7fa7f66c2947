// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How an operation ends, and what it tells of that.
#pragma once

#include <memory>
#include <string>

#include "memctl/error.hpp"
#include "memctl/report.hpp"
#include "resize/journal.hpp"
#include "resize/work.hpp"

namespace memctl::resize {

/// The domain's size by Xen's page count, also while the domain is on its way. It comes from what
/// Xen counts. If the domain was on its way when the operation began, it may be up to 1 MiB off.
[[nodiscard]] Kib reached_size(const plan::Input& facts, const Record& before);

/// What became of the operation that `before` was recorded for, by the facts at hand.
[[nodiscard]] Report report_on(const Work& work, const Record& before, Outcome outcome);

/// The error with the report, and the report with the error's words.
[[nodiscard]] Error ended(Error error, Report report);

/// What to do about a call of libxl's that may still take effect.
[[nodiscard]] std::string once_answered(const DomainIdentity& domain);

/// Leaves the record to the next recovery, once no call of the operation's can take effect.
void leave_record(Work& work, const std::shared_ptr<Journal>& journal, const Record& before);

/// Ends an operation on a domain that has ended or is suspended. Nothing is left but the claim. The
/// record of a suspended domain stays, because the domain goes on if the save fails.
[[nodiscard]] Error gone(Work& work, const std::shared_ptr<Journal>& journal, const Record& before,
                         Error error);

/// Ends an operation on a domain that another tool resizes. The other tool's limits stand; only the
/// claim, the cap and the agent, of which that tool does not know, are given back. The report has
/// the limits as they are then.
[[nodiscard]] boost::asio::awaitable<Error> left_to_another(Work& work, const Patience& patience,
                                                            Journal& journal, const Record& before,
                                                            Error error);

}  // namespace memctl::resize
