// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Finds the guest's udev rules that set the state of memory blocks. A rule of this kind races with
// the agent, and may choose the movable zone.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/facts.hpp"

namespace memctl::agent {

/// The state that a script brings blocks into. Nothing: it is no script, or sets no state.
[[nodiscard]] std::optional<RuleAction> action_of_script(std::string_view text);
/// The same of the script that has this path in the guest.
using ScriptAction = std::function<std::optional<RuleAction>(const std::string& path)>;

/// What a file of rules does with a memory block that has just been added.
struct RulesFile {
  /// The state that it sets. Nothing: it sets no state. If it has several rules, the worst state
  /// counts: `online_movable`, then `other`.
  std::optional<RuleAction> action{};
  /// A rule that surely applies has assigned `online_kernel` to the block's state. Linux refuses to
  /// change the state of a block that is online, so later rules and files change nothing. What a
  /// program does is not sure, and RUN starts its programs only after all rules were applied.
  bool settled{};
};

/// Reads the text as udev does: jumps, and what a rule compares with. A comparison that only the
/// guest's udev can make counts as one that may be true.
[[nodiscard]] RulesFile read_rules(std::string_view text, const ScriptAction& action_of = {});

struct UdevRule {
  std::string file{};  ///< Its path in the guest.
  RuleAction action{};
};

/// The file of rules below `root` that sets the state of memory blocks. Nothing: no file does. As
/// in udev, a file in /etc or /run replaces a file with the same name in /lib, and files are read
/// by name, whatever their directory. Bounded: at most 1,024 names in a directory, 256 paths of
/// scripts, and files below 64 KiB.
[[nodiscard]] std::optional<UdevRule> find_udev_rule(const std::string& root);

}  // namespace memctl::agent
