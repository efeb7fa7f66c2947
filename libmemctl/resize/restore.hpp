// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>

#include "resize/journal.hpp"
#include "resize/work.hpp"

namespace memctl::resize {

/// What an operation left that could not be finished.
struct Restored {
  bool whole{};                   ///< Exactly the earlier size and limits are back.
  Kib size{};                     ///< The domain's size now.
  Kib limit{};                    ///< The limit now.
  std::optional<Kib> pool{};      ///< The paging pool now.
  std::optional<Error> reason{};  ///< Why not everything is back, if that is known.
};

/// Brings back what `before` tells, as far as it is safe for the guest; with `keep`, fits the
/// limits to what was reached. Neither a cancel nor a deadline ends it. The way back takes at most
/// `longest_time` (resize/headway.hpp); then the limits are fitted to what was reached.
///
/// The pool comes back only if the domain has not grown, and does not grow by another tool's
/// target: Xen frees a pool's free pages first and fails afterwards, and the next shrink would
/// crash the guest. The stored pool comes back only if the pool is as before and the stored one is
/// still what the operation wrote. Errors: `superseded` if another tool sets a limit meanwhile,
/// `stalled` if libxl does not answer, and whatever made even restoring impossible.
[[nodiscard]] host::Task<Restored> restore(Work& work, const Record& before, bool keep);

}  // namespace memctl::resize
