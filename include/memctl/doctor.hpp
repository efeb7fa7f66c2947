// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <string_view>

#include "memctl/export.hpp"

namespace memctl {

/// A precondition of resizing guests that a doctor looks at. The names are part of the interface,
/// as those of causes are: they are never renamed, and new ones go to the end.
enum class Check {
  xen_version,           ///< Host: Xen is new enough.
  host_reserve,          ///< Host: more is free than what stays free.
  host_claims,           ///< Host: nothing of it is promised to somebody and unused.
  autoballoon,           ///< Host: xl leaves dom0's memory, and new guests' pools, alone.
  state,                 ///< Domain: it runs, and is neither saved nor migrated.
  stored_configuration,  ///< Domain: libxl built it and knows its memory.
  leftover,              ///< Domain: no dead operation left anything behind.
  claims,                ///< Domain: it holds no claim that nobody works with.
  libvirt,               ///< Domain: no libvirt keeps a maximum of its own.
  passthrough,           ///< Domain: no PCI device is passed through to it.
  emulated_devices,      ///< Domain (hvm): no emulated device does DMA.
  paging_pool,           ///< Domain (pvh, hvm): Xen tells and sets its paging pool.
  frozen_pool,           ///< Domain (pvh, hvm): its stored configuration leaves the pool free.
  populate_on_demand,    ///< Domain (pvh, hvm): all its memory is populated.
  agent,                 ///< Guest: its agent answers.
  agent_version,         ///< Guest: and is of this version.
  hotplug,               ///< Guest: its kernel can add memory.
  kernel,                ///< Guest: and is not known to do that badly.
  online_policy,         ///< Guest: what its kernel makes of added memory without the agent.
  udev_rule,             ///< Guest: no rule of udev's decides that instead.
  memory_blocks,         ///< Guest: all blocks are online, and can be given back.
  reboot,                ///< Domain (pvh, hvm): it can boot with what it has under its limit.
};
/// The check's name as in JSON, for example "xen_version". Static storage.
[[nodiscard]] MEMCTL_EXPORT std::string_view name(Check check);

/// Where a precondition lies.
enum class Subject {
  host,    ///< Measured on the host.
  domain,  ///< Measured on the host, of one domain.
  guest,   ///< What the guest's agent says: a claim.
};
[[nodiscard]] MEMCTL_EXPORT std::string_view name(Subject subject);
[[nodiscard]] MEMCTL_EXPORT Subject subject(Check check);

enum class Severity {
  good,
  note,     ///< Resizing works, within a bound or with a side effect that one should know of.
  bad,      ///< Some resize, or every one, is refused or endangered.
  unknown,  ///< It cannot be told. Where a resize is refused for that, it is bad instead.
};
[[nodiscard]] MEMCTL_EXPORT std::string_view name(Severity severity);

/// What a doctor found of one precondition.
struct Finding {
  Check check{};
  Severity severity{};
  /// One line, with the figures. Some of its text may be a guest's.
  std::string message{};
  /// A command that mends it, or else a short instruction; what begins with "in the guest: " is to
  /// be done there, anything else in dom0. Empty: nothing has to be mended.
  std::string remedy{};
  friend bool operator==(const Finding&, const Finding&) = default;
};

}  // namespace memctl
