// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plan/input.hpp"

namespace memctl::plan {

std::optional<Kib> known_offset(const DomainFacts& domain) {
  const Kib offset = to_kib(domain.memory.allocated) - domain.size().value_or(Kib{});
  const auto is_near = [](Kib a, Kib b) {
    return a - b <= max_pages_slack && b - a <= max_pages_slack;
  };
  const bool settled = is_near(offset, Kib{}) || is_near(offset, -domain.video_ram);
  return settled ? std::optional{offset} : std::nullopt;
}

Kib settled_offset(const DomainFacts& domain) { return known_offset(domain).value_or(Kib{}); }

Kib present_size(const DomainFacts& domain) {
  return to_kib(domain.memory.allocated) - settled_offset(domain);
}

Pages settled_pages(const DomainFacts& domain, Kib size) {
  return to_pages(size + settled_offset(domain));
}

}  // namespace memctl::plan
