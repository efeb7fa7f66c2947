// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "environment.hpp"
#include "options.hpp"

namespace memctl::cli {

/// Asks the domains that the user named, or else all domains, all at once: a guest that does not
/// answer takes seconds. Calls `ask` with each domain, which returns a `Pending`. Passes each
/// answer or error to `output.add`, in the order of the domains, and writes what that returns.
template <class PartOutput, class Ask>
void ask_domains(const Host& host, const Options& options, PartOutput& output,
                 Environment& environment, Ask ask) {
  const auto put = [&](const std::string& text) { environment.write_out(text); };
  std::vector<Result<Domain>> domains;
  for (const std::string& name : options.domains) domains.push_back(host.domain(name));
  if (options.domains.empty()) {
    const auto all = host.domains();
    if (!all) return put(output.add(all.error()));
    domains.assign(all.value().begin(), all.value().end());
  }
  // A domain that was named twice is asked once.
  std::map<DomainId, decltype(ask(std::declval<const Domain&>()))> pending;
  for (const auto& domain : domains) {
    if (!domain || pending.contains(domain.value().identity().id)) continue;
    pending.try_emplace(domain.value().identity().id, ask(domain.value()));
  }
  for (const auto& domain : domains) {
    if (!domain) {
      put(output.add(domain.error()));
      continue;
    }
    const DomainIdentity& identity = domain.value().identity();
    put(output.add(pending.at(identity.id).wait(), identity));
  }
}

}  // namespace memctl::cli
