// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>

#include "host/port.hpp"
#include "host/task.hpp"
#include "memctl/domain_info.hpp"
#include "memctl/recovery.hpp"
#include "memctl/resize.hpp"
#include "resize/turns.hpp"

namespace memctl::resize {

/// Restores what an operation left whose process has died, or which could not restore it itself.
/// Without a record this does nothing and returns nothing. It first takes the record over, and
/// removes it last: if this process dies as well, the next recovery goes on.
///
/// `turns`: recoveries with the same turns that take host memory go one after the other, because
/// each looks at the host's reserve only before its stages. Null: no other recovery is under way.
///
/// The error carries a report once anything was begun. Errors that leave the record to the next
/// recovery: `busy` if the owner lives, `journal_damaged`, `domain_paused`, `domain_migrating`
/// while the domain is suspended, `stalled` if libxl does not answer, and those of the host. Errors
/// after which nothing is left to restore: `domain_gone`, `guest_rebooted`, `superseded`.
[[nodiscard]] host::Task<std::optional<Report>> recover_leftover(host::Port& port,
                                                                 DomainIdentity domain,
                                                                 ResizeOptions options,
                                                                 Turns* turns = nullptr);

/// The same, and the claim that no record tells of: what `Domain::recover` promises.
[[nodiscard]] host::Task<Recovery> recover(host::Port& port, DomainIdentity domain,
                                           ResizeOptions options, Turns* turns = nullptr);

}  // namespace memctl::resize
