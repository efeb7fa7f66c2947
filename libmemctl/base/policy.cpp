// SPDX-License-Identifier: LGPL-2.1-or-later
#include "memctl/policy.hpp"

#include "base/text.hpp"
#include "memctl/size.hpp"

namespace memctl {
namespace {

/// Whether `pattern`, with `*` and `?`, stands for `name`.
bool matches(std::string_view pattern, std::string_view name) {
  // If the rest does not match, the last `*` takes one more character.
  std::optional<std::size_t> after_star;
  std::size_t taken = 0;
  std::size_t at = 0;
  std::size_t in = 0;
  while (at < name.size()) {
    if (in < pattern.size() && pattern[in] == '*') {
      after_star = ++in;
      taken = at;
    } else if (in < pattern.size() && (pattern[in] == '?' || pattern[in] == name[at])) {
      ++in;
      ++at;
    } else if (after_star) {
      in = *after_star;
      at = ++taken;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', in) == std::string_view::npos;
}

std::optional<Kib> bound(const std::vector<DomainPolicy>& domains, std::string_view name,
                         std::optional<Kib> DomainPolicy::*which) {
  for (const DomainPolicy& entry : domains) {
    if (entry.*which && matches(entry.name, name)) return entry.*which;
  }
  return std::nullopt;
}

Error wrong(std::string what) {
  return {.cause = Cause::invalid_argument, .message = "the policy " + std::move(what)};
}

}  // namespace

std::optional<Kib> Policy::minimum(std::string_view name) const {
  return bound(domains, name, &DomainPolicy::minimum);
}

std::optional<Kib> Policy::maximum(std::string_view name) const {
  return bound(domains, name, &DomainPolicy::maximum);
}

Result<void> Policy::check() const {
  if (host_reserve < Kib{}) return wrong("has a negative host reserve");
  for (const DomainPolicy& entry : domains) {
    if (entry.name.empty()) return wrong("has an entry without a name");
    const std::string of = "of \"" + printable(entry.name, 64) + "\"";
    for (const auto& size : {entry.minimum, entry.maximum}) {
      if (size && *size < Kib{}) return wrong(of + " has a negative bound");
    }
    if (entry.minimum && entry.maximum && *entry.minimum > *entry.maximum) {
      return wrong(of + " has a minimum of " + to_string(*entry.minimum) +
                   " above its maximum of " + to_string(*entry.maximum));
    }
  }
  return success();
}

}  // namespace memctl
