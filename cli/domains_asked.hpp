// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "environment.hpp"
#include "options.hpp"

namespace memctl::cli {

/// Asks the domains that the user named, or else all domains, one after the other. Calls `ask` with
/// each domain, passes the answer or the error to `output.add`, and writes what that returns.
template <class PartOutput, class Ask>
void ask_domains(const Host& host, const Options& options, PartOutput& output,
                 Environment& environment, Ask ask) {
  const auto put = [&](const std::string& text) { environment.write_out(text); };
  if (options.domains.empty()) {
    const auto domains = host.domains();
    if (!domains) return put(output.add(domains.error()));
    for (const Domain& domain : domains.value()) put(output.add(ask(domain), domain.identity()));
    return;
  }
  for (const std::string& name : options.domains) {
    const auto domain = host.domain(name);
    put(domain ? output.add(ask(domain.value()), domain.value().identity())
               : output.add(domain.error()));
  }
}

}  // namespace memctl::cli
