// SPDX-License-Identifier: LGPL-2.1-or-later
#include "commands.hpp"
#include "domains_asked.hpp"
#include "memctl/host.hpp"
#include "open_host.hpp"
#include "recover_output.hpp"

namespace memctl::cli {
namespace {

void recover(const Options& options, RecoverOutput& output) {
  const auto& host = open_host(options.host);
  if (!host) return put(output.add(host.error()));
  ask_domains(host.value(), options, output,
              [&](const Domain& domain) { return domain.recover(options.resize); });
}

}  // namespace

int run_recover(const Options& options) {
  RecoverOutput output{options};
  recover(options, output);
  return put_rest(output.end());
}

}  // namespace memctl::cli
