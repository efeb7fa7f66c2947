// SPDX-License-Identifier: LGPL-2.1-or-later
#include "configuration.hpp"

#include <algorithm>

namespace memctl::cli {

Deciding::Deciding(const Policy& policy) {
  for (const DomainPolicy& entry : policy.domains) alone_.push_back({.domains = {entry}});
}

std::optional<std::size_t> Deciding::entry(std::string_view domain,
                                           std::optional<Kib> DomainPolicy::*bound) const {
  const auto decides = [&](const Policy& alone) {
    return alone.domains.front().*bound && (alone.minimum(domain) || alone.maximum(domain));
  };
  const auto found = std::ranges::find_if(alone_, decides);
  if (found == alone_.end()) return std::nullopt;
  return static_cast<std::size_t>(found - alone_.begin());
}

Error with_source(Error error, std::string_view domain, const Configuration& configuration) {
  const bool above = error.cause == Cause::above_policy;
  if (!above && error.cause != Cause::below_policy) return error;
  const auto entry = Deciding{configuration.policy}.entry(
      domain, above ? &DomainPolicy::maximum : &DomainPolicy::minimum);
  if (!entry) return error;
  const DomainLines& lines = configuration.domain_lines.at(*entry);
  error.hint = configuration.place(above ? lines.maximum : lines.minimum) + " sets the " +
               (above ? "maximum" : "minimum") + " of \"" +
               configuration.policy.domains[*entry].name + "\"";
  return error;
}

}  // namespace memctl::cli
