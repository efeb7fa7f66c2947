// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "memctl/domain_info.hpp"
#include "memctl/error.hpp"

namespace memctl {

/// An error whose message begins with the domain's name: "web1: nothing moved for 30 s".
[[nodiscard]] inline Error domain_error(const DomainIdentity& domain, Cause cause,
                                        const std::string& what, std::string hint = {}) {
  return {.cause = cause, .message = domain.name + ": " + what, .hint = std::move(hint)};
}

}  // namespace memctl
