// SPDX-License-Identifier: LGPL-2.1-or-later
#include "commands.hpp"
#include "domains_asked.hpp"
#include "recover_output.hpp"

namespace memctl::cli {
namespace {

void recover(const Options& options, RecoverOutput& output, Environment& environment) {
  const auto host = environment.open_host(options.host);
  if (!host) return environment.write_out(output.add(host.error()));
  ask_domains(host.value(), options, output, environment,
              [&](const Domain& domain) { return domain.start_recovery(options.resize); });
}

}  // namespace

ExitCode run_recover(const Options& options, Environment& environment) {
  RecoverOutput output{options};
  recover(options, output, environment);
  return write(output.end(), environment);
}

}  // namespace memctl::cli
