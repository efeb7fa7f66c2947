// SPDX-License-Identifier: LGPL-2.1-or-later
#include "output.hpp"

#include <utility>

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

ExitCode tell(Ending ending, const Options& options, Environment& environment) {
  const auto& configuration = environment.configuration();
  if (ending.error && ending.domain && configuration) {
    ending.error =
        with_source(*std::move(ending.error), ending.domain->name, configuration.value());
  }
  return write(output_of(options, ending), environment);
}

ExitCode tell(Requests requests, const Options& options, Environment& environment) {
  ExitCode code = requests.misused ? ExitCode::usage : ExitCode::verified;
  for (Ending& ending : requests.refused) {
    const ExitCode told = tell(std::move(ending), options, environment);
    if (!requests.misused) code = worse(code, told);
  }
  if (options.domains.size() > 1 && !options.json) environment.write_err("nothing was begun\n");
  return code;
}

ExitCode tell_of_none(const Options& options, Environment& environment) {
  if (!options.json && !options.quiet) environment.write_out("no guest runs: nothing to do\n");
  return ExitCode::verified;
}

bool has_ended_unnamed(const Options& options, const Error& error) {
  return options.domains.empty() && error.cause == Cause::no_such_domain;
}

ExitCode write(const Output& output, Environment& environment) {
  environment.write_out(output.out);
  environment.write_err(output.err);
  return output.code;
}

}  // namespace memctl::cli
