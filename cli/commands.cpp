// SPDX-License-Identifier: LGPL-2.1-or-later
#include "commands.hpp"

namespace memctl::cli {
namespace {

ExitCode run_command(const Options& options, Environment& environment) {
  switch (options.command) {
    case Command::resize:
      return run_resize(options, environment);
    case Command::plan:
      return run_plan(options, environment);
    case Command::status:
      return run_status(options, environment);
    case Command::doctor:
      return run_doctor(options, environment);
    case Command::recover:
      return run_recover(options, environment);
    case Command::watch:
      return run_watch(options, environment);
    case Command::config:
      return run_config(options, environment);
  }
  return ExitCode::usage;
}

}  // namespace

ExitCode run(const Options& options, Environment& environment) {
  const ExitCode ended = run_command(options, environment);
  return environment.configuration() ? ended : ExitCode::usage;
}

}  // namespace memctl::cli
