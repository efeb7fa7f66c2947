// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "memctl/error.hpp"
#include "memctl/export.hpp"
#include "memctl/numa.hpp"
#include "memctl/units.hpp"

namespace memctl {

/// The administrator's bounds for the sizes of some domains, counted with video RAM.
struct DomainPolicy {
  /// The names of the domains. `*` stands for any text, `?` for any one character.
  std::string name{};
  std::optional<Kib> minimum{};
  std::optional<Kib> maximum{};
  friend bool operator==(const DomainPolicy&, const DomainPolicy&) = default;
};

/// What the administrator of a host allows. A status, a plan and a resize ask it before anything is
/// touched, and it can only narrow what they allow themselves. Restoring an earlier size is always
/// allowed, except that it leaves the host its reserve.
struct Policy {
  /// Host memory that stays free, also if a call's own `host_reserve` is less.
  Kib host_reserve{};
  /// For each bound, the first entry counts that names the domain and has that bound. A domain that
  /// is beyond a bound already may still come nearer to it.
  std::vector<DomainPolicy> domains{};
  /// `local`: all growths are as with that option of a call.
  Numa numa{Numa::any};

  /// The bounds of the domain of this name. Nothing: there is none.
  [[nodiscard]] MEMCTL_EXPORT std::optional<Kib> minimum(std::string_view name) const;
  [[nodiscard]] MEMCTL_EXPORT std::optional<Kib> maximum(std::string_view name) const;
  /// Errors: `invalid_argument`, which names the entry: a bound or the reserve is negative, a
  /// minimum is above its maximum, or an entry has no name.
  [[nodiscard]] MEMCTL_EXPORT Result<void> check() const;
  friend bool operator==(const Policy&, const Policy&) = default;
};

}  // namespace memctl
