// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <vector>

#include "ending.hpp"
#include "environment.hpp"
#include "memctl/domain.hpp"
#include "memctl/size.hpp"
#include "options.hpp"

namespace memctl::cli {

/// A request whose domain and size are known.
struct Request {
  Domain domain;
  SizeRequest size;

  [[nodiscard]] const DomainIdentity& identity() const { return domain.identity(); }
  [[nodiscard]] std::optional<Kib> requested() const {
    if (size.kind == SizeRequest::Kind::relative) return std::nullopt;
    return size.amount;
  }
};

/// The requests of a command line, or why none of them begins.
struct Requests {
  std::vector<Request> all{};
  std::vector<Ending> refused{};
  /// Whether the command line itself is wrong: a domain is named twice.
  bool misused{false};
};

/// Looks the domains up. If one of them does not exist or is named twice, nothing begins: the user
/// may have meant another one.
[[nodiscard]] Requests look_up(const Options& options, Environment& environment);

}  // namespace memctl::cli
