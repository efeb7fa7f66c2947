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

namespace {

/// The line that sets the bound for which a size is refused.
struct Source {
  const DomainPolicy& entry;
  int line;
  bool is_maximum;
};

std::optional<Source> source_of(Cause cause, std::string_view domain,
                                const Configuration& configuration) {
  const bool above = cause == Cause::above_policy;
  if (!above && cause != Cause::below_policy) return std::nullopt;
  const auto entry = Deciding{configuration.policy}.entry(
      domain, above ? &DomainPolicy::maximum : &DomainPolicy::minimum);
  if (!entry) return std::nullopt;
  const DomainLines& lines = configuration.domain_lines.at(*entry);
  return Source{configuration.policy.domains[*entry], above ? lines.maximum : lines.minimum, above};
}

}  // namespace

Error with_source(Error error, std::string_view domain, const Configuration& configuration) {
  if (error.range) {
    error.range =
        std::make_shared<const SizeRange>(with_source(*error.range, domain, configuration));
  }
  const auto source = source_of(error.cause, domain, configuration);
  if (!source) return error;
  error.hint = configuration.place(source->line) + " sets the " +
               (source->is_maximum ? "maximum" : "minimum") + " of \"" + source->entry.name + "\"";
  return error;
}

SizeRange with_source(SizeRange range, std::string_view domain,
                      const Configuration& configuration) {
  for (RangeEnd* end : {&range.smallest, &range.largest}) {
    const auto source = source_of(end->cause, domain, configuration);
    if (source) end->reason += " (" + configuration.place(source->line) + ")";
  }
  return range;
}

}  // namespace memctl::cli
