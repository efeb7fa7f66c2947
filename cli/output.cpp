// SPDX-License-Identifier: LGPL-2.1-or-later
#include "output.hpp"

#include "json.hpp"
#include "stopped_text.hpp"
#include "text.hpp"

namespace memctl::cli {

Output output_of(const Options& options, const Ending& ending) {
  Output output{.code = ending.exit_code()};
  if (options.json) {
    output.out = report_json(ending);
  } else if (ending.error) {
    const auto stopped = stopped_text(ending, options.resize);
    output.err = stopped ? *stopped : failure_text(ending, options.verbose);
  } else if (!options.quiet) {
    output.out = success_text(*ending.report);
  }
  return output;
}

Output output_of(const Options& options, const Plan& plan) {
  return {.out = options.json ? plan_json(plan) : plan_text(plan)};
}

ExitCode write(const Output& output, Environment& environment) {
  environment.write_out(output.out);
  environment.write_err(output.err);
  return output.code;
}

}  // namespace memctl::cli
