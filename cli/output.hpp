// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "ending.hpp"
#include "environment.hpp"
#include "memctl/plan.hpp"
#include "options.hpp"

namespace memctl::cli {

/// What a command writes at its end, and its exit code.
struct Output {
  std::string out{};
  std::string err{};
  ExitCode code{ExitCode::verified};
};

[[nodiscard]] Output output_of(const Options& options, const Ending& ending);
[[nodiscard]] Output output_of(const Options& options, const Plan& plan);

/// Writes `output`, and returns its exit code.
[[nodiscard]] ExitCode write(const Output& output, Environment& environment);

}  // namespace memctl::cli
