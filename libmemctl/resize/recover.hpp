// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>

#include "host/port.hpp"
#include "host/task.hpp"
#include "memctl/domain_info.hpp"
#include "memctl/recovery.hpp"
#include "memctl/resize.hpp"

namespace memctl::resize {

/// Undoes what an operation left whose process has died, or which could not undo it itself. Nothing
/// is done where there is no record, and nothing is returned then. The record is taken over first,
/// and goes last: where this process dies as well, the next one goes on.
///
/// The error carries a report once anything was begun. Errors: `busy` where the owner lives;
/// `journal_damaged`; `domain_migrating` while the domain is suspended, and those of the host:
/// these leave the record to the next one. `domain_gone`, `guest_rebooted`, `superseded`: nothing
/// is left to be undone.
[[nodiscard]] host::Task<std::optional<Report>> recover_leftover(host::Port& port,
                                                                 DomainIdentity domain,
                                                                 ResizeOptions options);

/// The same, as `Domain::recover` promises it: with the claim that no record tells of.
[[nodiscard]] host::Task<Recovery> recover(host::Port& port, DomainIdentity domain,
                                           ResizeOptions options);

}  // namespace memctl::resize
