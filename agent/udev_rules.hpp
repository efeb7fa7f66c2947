// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Finds the guest's udev rules that set the state of memory blocks. A rule of this kind races with
// the agent, and may choose the movable zone.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/facts.hpp"

namespace memctl::agent {

/// The state that a file of rules sets for memory blocks. Nothing: it sets no state. If it has
/// several rules, the worst state counts: `online_movable`, then `other`.
[[nodiscard]] std::optional<RuleAction> action_of_rules(std::string_view text);

struct UdevRule {
  std::string file{};  ///< Its path in the guest.
  RuleAction action{};
};

/// The file of rules below `root` that sets the state of memory blocks. Nothing: no file does. As
/// in udev, a file in /etc or /run replaces a file with the same name in /lib. Bounded: at most
/// 1,024 names in a directory, and files of up to 64 KiB.
[[nodiscard]] std::optional<UdevRule> find_udev_rule(const std::string& root);

}  // namespace memctl::agent
