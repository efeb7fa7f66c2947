// SPDX-License-Identifier: LGPL-2.1-or-later
#include <unistd.h>

#include <string>

#include "commands.hpp"
#include "memctl/host.hpp"
#include "recover_output.hpp"
#include "terminal.hpp"

namespace memctl::cli {
namespace {

/// Writes what became of a domain as it comes.
void put(const std::string& text) { write_all(STDOUT_FILENO, text); }

void recover_all(const Host& host, const ResizeOptions& how, RecoverOutput& output) {
  const auto domains = host.domains();
  if (!domains) return put(output.add(domains.error()));
  for (const Domain& domain : domains.value()) {
    put(output.add(domain.recover(how), domain.identity()));
  }
}

void recover_named(const Host& host, const Options& options, RecoverOutput& output) {
  for (const std::string& name : options.domains) {
    const auto domain = host.domain(name);
    if (domain) {
      put(output.add(domain.value().recover(options.resize), domain.value().identity()));
    } else {
      put(output.add(domain.error()));
    }
  }
}

}  // namespace

int run_recover(const Options& options) {
  RecoverOutput output{options};
  const auto host = Host::open(options.host);
  if (!host) {
    put(output.add(host.error()));
  } else if (options.domains.empty()) {
    recover_all(host.value(), options.resize, output);
  } else {
    recover_named(host.value(), options, output);
  }
  const Output rest = output.end();
  put(rest.out);
  write_all(STDERR_FILENO, rest.err);
  return static_cast<int>(rest.code);
}

}  // namespace memctl::cli
