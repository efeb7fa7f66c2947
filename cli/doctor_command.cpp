// SPDX-License-Identifier: LGPL-2.1-or-later
#include <optional>

#include "commands.hpp"
#include "doctor_output.hpp"
#include "domains_asked.hpp"

namespace memctl::cli {
namespace {

void examine(const Options& options, DoctorOutput& output, Environment& environment) {
  const auto host = environment.open_host(options.host);
  if (!host) return environment.write_out(output.add(host.error()));
  environment.write_out(
      output.add(host.value().doctor(doctor_options(options.resize)), std::nullopt));
  ask_domains(host.value(), options, output, environment, [&](const Domain& domain) {
    return domain.ask_doctor(doctor_options(options.resize));
  });
}

}  // namespace

ExitCode run_doctor(const Options& options, Environment& environment) {
  DoctorOutput output{options};
  examine(options, output, environment);
  return write(output.end(), environment);
}

}  // namespace memctl::cli
