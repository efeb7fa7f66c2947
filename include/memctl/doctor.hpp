// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <string_view>

#include "memctl/export.hpp"

namespace memctl {

/// A precondition of resizing guests that the doctor looks at. The comments say what is good. The
/// names are part of the interface, like the names of causes: no name changes, and new checks go to
/// the end.
enum class Check {
  xen_version,           ///< Host: Xen is new enough.
  host_reserve,          ///< Host: more memory is free than the reserve.
  host_claims,           ///< Host: no memory is claimed for a domain and unused.
  autoballoon,           ///< Host: xl leaves dom0's memory, and new guests' pools, alone.
  state,                 ///< Domain: it runs, and is neither saved nor migrated.
  stored_configuration,  ///< Domain: libxl built it and knows its memory.
  leftover,              ///< Domain: no dead operation left anything behind.
  claims,                ///< Domain: it holds no claim, or an operation under way holds it.
  libvirt,               ///< Domain: libvirt does not run it, and so keeps no maximum for it.
  passthrough,           ///< Domain: no PCI device is passed through to it.
  emulated_devices,      ///< Domain (hvm): no emulated device does DMA.
  paging_pool,           ///< Domain (pvh, hvm): Xen can read and set its paging pool.
  frozen_pool,           ///< Domain (pvh, hvm): its stored configuration lets the pool grow.
  populate_on_demand,    ///< Domain (pvh, hvm): all its memory is populated.
  agent,                 ///< Guest: its agent answers.
  agent_version,         ///< Guest: its agent has the version of this library.
  hotplug,               ///< Guest: its kernel can add memory.
  kernel,                ///< Guest: its kernel has no known fault in adding memory.
  online_policy,         ///< Guest: its kernel does not make added memory movable by itself.
  udev_rule,             ///< Guest: no rule of udev's sets the state of added blocks.
  memory_blocks,         ///< Guest: all blocks are online, and ballooning can take them back.
  reboot,                ///< Domain (pvh, hvm): it can boot with its size under its limit.
  max_pages,             ///< Domain: Xen lets it have the pages that its target needs.
  cold_start,            ///< Domain: a cold start would bring back the memory that it has.
  memory_manager,        ///< Host: no program runs that resizes all domains by itself.
  xenstored,             ///< Host: it is known which program is xenstore.
};
/// The check's name as in JSON, for example "xen_version". The text is static.
[[nodiscard]] MEMCTL_EXPORT std::string_view name(Check check);

/// What a precondition is about.
enum class Subject {
  host,    ///< The host. Measured by the host.
  domain,  ///< One domain. Measured by the host.
  guest,   ///< The guest in a domain. Its agent claims it.
};
[[nodiscard]] MEMCTL_EXPORT std::string_view name(Subject subject);
[[nodiscard]] MEMCTL_EXPORT Subject subject(Check check);

enum class Severity {
  good,
  note,     ///< Resizing works, but has a bound or a side effect.
  bad,      ///< Some resizes, or all, are refused or can do harm.
  unknown,  ///< It cannot be known. If a resize is refused for that reason, it is `bad` instead.
};
[[nodiscard]] MEMCTL_EXPORT std::string_view name(Severity severity);

/// What the doctor found about one precondition.
struct Finding {
  Check check{};
  Severity severity{};
  /// One line, with the figures. A guest may have written parts of it.
  std::string message{};
  /// A command that mends it, or else a short instruction. If it begins with "in the guest: ", it
  /// is for the guest, otherwise for dom0. Empty: there is nothing to mend.
  std::string remedy{};
  friend bool operator==(const Finding&, const Finding&) = default;
};

}  // namespace memctl
