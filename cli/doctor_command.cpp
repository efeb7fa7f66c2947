// SPDX-License-Identifier: LGPL-2.1-or-later
#include <unistd.h>

#include <optional>
#include <string>

#include "commands.hpp"
#include "doctor_output.hpp"
#include "memctl/host.hpp"
#include "terminal.hpp"

namespace memctl::cli {
namespace {

/// Writes what came of a part as it comes.
void put(const std::string& text) { write_all(STDOUT_FILENO, text); }

void examine_all(const Host& host, const ResizeOptions& how, DoctorOutput& output) {
  const auto domains = host.domains();
  if (!domains) return put(output.add(domains.error()));
  for (const Domain& domain : domains.value()) {
    put(output.add(domain.doctor(how), domain.identity()));
  }
}

void examine_named(const Host& host, const Options& options, DoctorOutput& output) {
  for (const std::string& name : options.domains) {
    const auto domain = host.domain(name);
    if (domain) {
      put(output.add(domain.value().doctor(options.resize), domain.value().identity()));
    } else {
      put(output.add(domain.error()));
    }
  }
}

void examine(const Options& options, DoctorOutput& output) {
  const auto host = Host::open(options.host);
  if (!host) return put(output.add(host.error()));
  put(output.add(host.value().doctor(options.resize.host_reserve), std::nullopt));
  if (options.domains.empty()) {
    examine_all(host.value(), options.resize, output);
  } else {
    examine_named(host.value(), options, output);
  }
}

}  // namespace

int run_doctor(const Options& options) {
  DoctorOutput output{options};
  examine(options, output);
  const Output rest = output.end();
  put(rest.out);
  write_all(STDERR_FILENO, rest.err);
  return static_cast<int>(rest.code);
}

}  // namespace memctl::cli
