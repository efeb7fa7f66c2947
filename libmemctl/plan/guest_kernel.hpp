// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is known to be wrong with the kernel of a guest, by its version. One known fault needs no
// answer here: 6.12.24 and later 6.12, and 6.15 to 6.18, keep a pv guest a few pages off its target
// from its start on, which is what `settled_offset` is for.
#pragma once

#include <optional>
#include <string_view>

#include "base/facts.hpp"

namespace memctl::plan {

struct KernelVersion {
  int major{};
  int minor{};
  /// Nothing: distributions keep their own count in its place, and say 0.
  std::optional<int> patch{};
  friend bool operator==(const KernelVersion&, const KernelVersion&) = default;
};

/// From what uname says; the build line often names the patch level that the release hides:
/// "5.10.0-8-amd64" is "#1 SMP Debian 5.10.46-4". Nothing: not the form of a Linux release.
[[nodiscard]] std::optional<KernelVersion> parse_kernel_version(std::string_view release,
                                                                std::string_view build);

struct KernelFaults {
  /// Memory of a zone that had none before is counted and cannot be used
  /// (build_zonerefs_node; 5.9 to 5.17, fixed in 5.10.112, 5.15.35 and 5.18).
  bool first_memory_of_a_zone_is_lost{};
  /// The balloon's thread spins for ever once a request was given up (4.19.209, 5.4.150, 5.10.70,
  /// 5.14.9, and the one or two after each).
  bool balloon_spins{};
};

/// What the kernel may suffer from. An unknown patch level counts as a bad one where a success
/// would not be one; so does a version that cannot be read.
[[nodiscard]] KernelFaults kernel_faults(const AgentHello& hello);

}  // namespace memctl::plan
