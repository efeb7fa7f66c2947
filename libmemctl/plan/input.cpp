// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plan/input.hpp"

namespace memctl::plan {

Kib settled_offset(const DomainFacts& domain) {
  const Kib offset = to_kib(domain.memory.total) - domain.size().value_or(Kib{});
  const bool settled = offset <= max_pages_slack && -offset <= max_pages_slack;
  return settled ? offset : Kib{};
}

Kib present_size(const DomainFacts& domain) {
  return to_kib(domain.memory.total) - settled_offset(domain);
}

Pages settled_pages(const DomainFacts& domain, Kib size) {
  return to_pages(size + settled_offset(domain));
}

}  // namespace memctl::plan
