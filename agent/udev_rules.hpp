// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The guest's udev rules, as far as they set the state of memory blocks by themselves: such a rule
// races with the agent, and may choose the movable zone.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/facts.hpp"

namespace memctl::agent {

/// What a file of rules sets the state of a memory block to; nothing: it sets none. Of several, the
/// one that matters most: `online_movable`, then `other`.
[[nodiscard]] std::optional<RuleAction> action_of_rules(std::string_view text);

struct UdevRule {
  std::string file{};  ///< Its path in the guest.
  RuleAction action{};
};

/// The file of rules in force below `root` that sets the state of memory blocks; nothing: none
/// does. As udev does, a file in /etc or /run takes the place of one of the same name in /lib.
/// Bounded: at most 1,024 names a directory, files up to 64 KiB.
[[nodiscard]] std::optional<UdevRule> find_udev_rule(const std::string& root);

}  // namespace memctl::agent
