// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>

#include "configuration.hpp"

namespace memctl::cli {

/// `what` is wrong with a line; `right` says what would be right.
[[nodiscard]] Error configuration_mistake(const Configuration& configuration, int line,
                                          const std::string& what, std::string right);

/// What is wrong with the entries of the domains among each other: two entries with one name, a
/// bound that never counts because an earlier entry takes all its domains, or a minimum above the
/// maximum. Nothing: they agree.
[[nodiscard]] std::optional<Error> contradiction(const Configuration& configuration);

}  // namespace memctl::cli
