// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <unistd.h>

#include <string>

#include "memctl/host.hpp"
#include "output.hpp"
#include "terminal.hpp"

namespace memctl::cli {

/// Writes what came of a part as it comes.
inline void put(const std::string& text) { write_all(STDOUT_FILENO, text); }

/// Asks the domains that were named, or all of them, one after the other: `ask` is given each
/// domain, and `output.add` takes its answer, or why there is none, and returns what is written.
template <class PartOutput, class Ask>
void ask_domains(const Host& host, const Options& options, PartOutput& output, Ask ask) {
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

/// Writes what is left in the end, and returns the exit code.
inline int put_rest(const Output& rest) {
  put(rest.out);
  write_all(STDERR_FILENO, rest.err);
  return static_cast<int>(rest.code);
}

}  // namespace memctl::cli
