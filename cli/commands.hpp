// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "environment.hpp"
#include "exit_code.hpp"
#include "options.hpp"

namespace memctl::cli {

/// Runs the command that `options` names to its end. If the configuration is wrong, the command
/// does nothing but say so, and the exit code is `usage`.
[[nodiscard]] ExitCode run(const Options& options, Environment& environment);

[[nodiscard]] ExitCode run_resize(const Options& options, Environment& environment);
[[nodiscard]] ExitCode run_plan(const Options& options, Environment& environment);
[[nodiscard]] ExitCode run_status(const Options& options, Environment& environment);
[[nodiscard]] ExitCode run_doctor(const Options& options, Environment& environment);
[[nodiscard]] ExitCode run_recover(const Options& options, Environment& environment);
[[nodiscard]] ExitCode run_watch(const Options& options, Environment& environment);
[[nodiscard]] ExitCode run_config(const Options& options, Environment& environment);

}  // namespace memctl::cli
