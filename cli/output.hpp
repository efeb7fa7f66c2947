// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "ending.hpp"
#include "memctl/plan.hpp"
#include "options.hpp"

namespace memctl::cli {

/// What a command writes in the end, and its exit code.
struct Output {
  std::string out{};
  std::string err{};
  ExitCode code{ExitCode::verified};
};

[[nodiscard]] Output output_of(const Options& options, const Ending& ending);
[[nodiscard]] Output output_of(const Options& options, const Plan& plan);

}  // namespace memctl::cli
