// SPDX-License-Identifier: LGPL-2.1-or-later
#include "requests.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace memctl::cli {
namespace {

Ending named_twice(const DomainIdentity& domain, std::string_view again, std::optional<Kib> size) {
  const std::string also = again == domain.name ? "" : ", also as \"" + std::string{again} + "\"";
  return Ending{Error{.cause = Cause::invalid_argument,
                      .message = domain.name + " is named twice" + also,
                      .hint = "name each domain once"},
                domain, size};
}

}  // namespace

Requests look_up(const Options& options, Environment& environment) {
  Requests requests;
  const auto size = parse_size(options.size);
  if (!size) {
    requests.refused.push_back(Ending{size.error(), std::nullopt, std::nullopt});
    return requests;
  }
  std::optional<Kib> absolute;
  if (size.value().kind == SizeRequest::Kind::absolute) absolute = size.value().amount;
  const auto refuse = [&](Error error) {
    requests.refused.push_back(Ending{std::move(error), std::nullopt, absolute});
  };
  const auto host = environment.open_host(options.host);
  if (!host) {
    refuse(host.error());
    return requests;
  }
  if (options.all) {
    auto domains = host.value().domains();
    if (!domains) {
      refuse(domains.error());
      return requests;
    }
    for (Domain& domain : domains.value()) {
      if (domain.identity().device_model_of) continue;
      requests.all.push_back({std::move(domain), size.value()});
    }
    return requests;
  }
  for (const std::string& name : options.domains) {
    auto domain = host.value().domain(name);
    if (!domain) {
      refuse(domain.error());
      continue;
    }
    const DomainIdentity& identity = domain.value().identity();
    if (std::ranges::find(requests.all, identity, &Request::identity) != requests.all.end()) {
      requests.refused.push_back(named_twice(identity, name, absolute));
      requests.misused = true;
      continue;
    }
    requests.all.push_back({std::move(domain).value(), size.value()});
  }
  if (!requests.refused.empty()) requests.all.clear();
  return requests;
}

}  // namespace memctl::cli
