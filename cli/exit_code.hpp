// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>

#include "memctl/cause.hpp"
#include "memctl/report.hpp"
#include "options.hpp"

namespace memctl::cli {

/// The exit codes of memctl. They are part of the interface: see docs/json.md.
enum class ExitCode : int {
  verified = 0,       ///< Done, and every layer agrees.
  found_bad = 1,      ///< doctor: a precondition is bad.
  usage = 2,          ///< The command line, the size or the configuration is wrong.
  refused = 3,        ///< Nothing was changed.
  restored = 4,       ///< It failed, and the earlier state is restored.
  left_behind = 5,    ///< It failed, and the earlier state is not restored, or only in part.
  gone = 6,           ///< The domain ended, rebooted or moved.
  output_lost = 74,   ///< The output could not be written. EX_IOERR of sysexits.h.
  interrupted = 130,  ///< A signal ended it, and the earlier state is restored.
};

/// The exit code of an ending. Only this function decides it. `cause` is empty when verified.
[[nodiscard]] ExitCode exit_code(Outcome outcome, std::optional<Cause> cause);

/// The worse of two codes, for several domains: what was left behind counts most, then what is
/// gone, interrupted, restored, refused and wrongly asked for.
[[nodiscard]] ExitCode worse(ExitCode one, ExitCode other);

/// The exit code of a command that ended with `code` and could not write its output. A resize keeps
/// its own code, and so does a recovery that did not succeed: nothing else tells what became of the
/// domain.
[[nodiscard]] ExitCode without_output(Command command, ExitCode code);

}  // namespace memctl::cli
