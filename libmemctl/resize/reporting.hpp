// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How an operation tells of its end.
#pragma once

#include <memory>
#include <string>

#include "memctl/error.hpp"
#include "memctl/report.hpp"
#include "resize/context.hpp"
#include "resize/journal.hpp"

namespace memctl::resize {

/// What became of the operation that `before` was recorded for, by the facts at hand.
[[nodiscard]] Report report_on(const Context& context, const Record& before, Outcome outcome);

/// The error with the report, and the report with the error's words.
[[nodiscard]] Error ended(Error error, Report report);

/// What to do about a call of libxl's that may yet take effect.
[[nodiscard]] std::string once_answered(const DomainIdentity& domain);

/// Leaves the record to whoever recovers next: once no call of the operation's can take effect.
void leave_record(Context& context, const std::shared_ptr<Journal>& journal, const Record& before);

/// Ends an operation on a domain that has gone or reboots: nothing is left but the claim. Of one
/// that is suspended the record stays, held until no call of the operation's can take effect.
[[nodiscard]] Error gone(Context& context, const std::shared_ptr<Journal>& journal,
                         const Record& before, Error error);

/// Ends an operation whose domain another tool resizes: the other's word stands, and only what
/// nobody else knows of is given back. The report has the limits as they are then.
[[nodiscard]] boost::asio::awaitable<Error> left_to_another(Context& context, Journal& journal,
                                                            const Record& before, Error error);

}  // namespace memctl::resize
