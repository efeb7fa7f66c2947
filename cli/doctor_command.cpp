// SPDX-License-Identifier: LGPL-2.1-or-later
#include <optional>

#include "commands.hpp"
#include "doctor_output.hpp"
#include "domains_asked.hpp"
#include "memctl/host.hpp"
#include "open_host.hpp"

namespace memctl::cli {
namespace {

void examine(const Options& options, DoctorOutput& output) {
  const auto& host = open_host(options.host);
  if (!host) return put(output.add(host.error()));
  put(output.add(host.value().doctor(options.resize.host_reserve), std::nullopt));
  ask_domains(host.value(), options, output,
              [&](const Domain& domain) { return domain.doctor(options.resize); });
}

}  // namespace

int run_doctor(const Options& options) {
  DoctorOutput output{options};
  examine(options, output);
  return put_rest(output.end());
}

}  // namespace memctl::cli
