// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "ending.hpp"
#include "environment.hpp"
#include "memctl/plan.hpp"
#include "options.hpp"
#include "requests.hpp"

namespace memctl::cli {

/// What a command writes at its end, and its exit code.
struct Output {
  std::string out{};
  std::string err{};
  ExitCode code{ExitCode::verified};
};

[[nodiscard]] Output output_of(const Options& options, const Ending& ending);
[[nodiscard]] Output output_of(const Options& options, const Plan& plan);

/// Writes how a request ended, with the line of the configuration that bounds it.
[[nodiscard]] ExitCode tell(Ending ending, const Options& options, Environment& environment);
/// Writes why no request begins.
[[nodiscard]] ExitCode tell(Requests requests, const Options& options, Environment& environment);
/// Says that there is no guest at all.
[[nodiscard]] ExitCode tell_of_none(const Options& options, Environment& environment);
/// Whether the error means only that a domain ended after it was listed. If the user did not name
/// it, that is no error.
[[nodiscard]] bool has_ended_unnamed(const Options& options, const Error& error);

/// Writes `output`, and returns its exit code.
[[nodiscard]] ExitCode write(const Output& output, Environment& environment);

}  // namespace memctl::cli
