// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The known faults of a guest's kernel, by its version. One known fault is not listed here: 6.12.24
// and later 6.12, and 6.15 to 6.18, keep a pv guest a few pages off its target from its start on.
// `settled_offset` handles that fault.
#pragma once

#include <optional>
#include <string_view>

#include "base/facts.hpp"

namespace memctl::plan {

struct KernelVersion {
  int major{};
  int minor{};
  /// Nothing: the release has none or says 0, because the distribution counts its own builds.
  std::optional<int> patch{};
  friend bool operator==(const KernelVersion&, const KernelVersion&) = default;
};

/// Reads uname's release and build line. The build line often names the patch level that the
/// release hides: "5.10.0-8-amd64" is "#1 SMP Debian 5.10.46-4". Nothing: the release does not have
/// the form of a Linux release.
[[nodiscard]] std::optional<KernelVersion> parse_kernel_version(std::string_view release,
                                                                std::string_view build);

struct KernelFaults {
  /// The first memory that a zone gets is counted and cannot be used (build_zonerefs_node; 5.9 to
  /// 5.17, fixed in 5.10.112, 5.15.35 and 5.18).
  bool first_memory_of_a_zone_is_lost{};
  /// After a request that the balloon gave up, its thread spins for ever (4.19.209, 5.4.150,
  /// 5.10.70, 5.14.9, and the one or two releases after each of these).
  bool balloon_spins{};
  /// A kernel of 32 bits puts added memory, all of which is high memory, into the zone Normal, and
  /// panics (default_kernel_zone_for_pfn in mm/memory_hotplug.c; since 4.13, until such kernels
  /// lost memory hotplug).
  bool high_memory_is_taken_for_low{};
};

/// The faults that the kernel may have. If its patch level or its version is not known, it counts
/// as having the faults of added memory: a resize would succeed without usable memory, or end the
/// guest.
[[nodiscard]] KernelFaults kernel_faults(const AgentHello& hello);

}  // namespace memctl::plan
