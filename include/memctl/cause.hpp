// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string_view>
#include <system_error>

#include "memctl/export.hpp"

namespace memctl {

/// Why a request was refused or failed. Each refusal and failure carries exactly one. The names are
/// part of the interface (JSON, Python, C). After the first release they are never renamed, and new
/// ones go to the end.
enum class Cause {
  no_xen = 1,            ///< No Xen here, or its interfaces cannot be opened.
  no_such_domain,        ///< No running domain has that name or number.
  invalid_size,          ///< Not a size, or one that no domain can have.
  invalid_argument,      ///< A host that is none, a file that cannot be read, a wrong option.
  below_floor,           ///< Less than the guest can live with, or than it can give back.
  below_policy,          ///< Less than the administrator's minimum for this domain.
  above_policy,          ///< More than the administrator's maximum for this domain.
  not_permitted,         ///< The caller may not do this.
  busy,                  ///< Another operation holds the domain.
  host_memory,           ///< The host has not that much memory to give.
  paging_pool,           ///< The domain's HAP or shadow pool cannot be made large enough.
  xen_unsupported,       ///< This Xen, or this kind of domain, cannot do it.
  hvm_emulated_devices,  ///< Emulated devices could not reach the added memory.
  passthrough,           ///< A PCI device is passed through to the domain.
  populate_on_demand,    ///< The guest was started with less than its maximum, and is not done yet.
  agent_absent,          ///< The guest's agent never announced itself, or does not answer.
  agent_incompatible,    ///< The agent speaks no protocol version that this library speaks.
  guest_no_hotplug,      ///< The guest's kernel cannot add memory.
  guest_kernel_fault,    ///< The guest's kernel has a known fault that this request would meet.
  address_limit,         ///< Past the addresses that the guest's kernel gives to added memory.
  block_size,            ///< The guest adds memory in whole blocks, and this is no number of them.
  guest_offline_blocks,  ///< Added memory blocks stayed offline.
  guest_memmap,          ///< No room in the guest for the page descriptors of the new memory.
  guest_balloon_gave_up,  ///< The guest's balloon driver stopped trying.
  guest_pressure,         ///< The guest needs the memory that it was asked to give back.
  guest_rebooted,         ///< The guest rebooted in the middle.
  stalled,                ///< No layer made progress for too long.
  domain_gone,            ///< The domain shut down or was destroyed in the middle.
  domain_paused,          ///< The domain is paused and can do nothing.
  domain_migrating,       ///< The domain is being saved or migrated.
  superseded,             ///< Somebody else changed the target, the limit or max_pages meanwhile.
  deadline,               ///< The time that the caller allowed is over.
  cancelled,              ///< The caller cancelled.
  journal_damaged,        ///< The record of an earlier operation cannot be read.
  store_error,            ///< xenstore failed.
  hypervisor_error,       ///< A hypercall, or libxl, failed.
};

/// The cause's name as in JSON, for example "host_memory". Never fails; static storage.
[[nodiscard]] MEMCTL_EXPORT std::string_view name(Cause cause);
/// The cause of that name, or nothing.
[[nodiscard]] MEMCTL_EXPORT std::optional<Cause> cause_named(std::string_view name);
/// One sentence about what a person can do; empty if the message says it all. Static storage.
[[nodiscard]] MEMCTL_EXPORT std::string_view hint(Cause cause);

/// The one category of memctl's error codes; it lives in the library, so that codes compare equal
/// across shared objects.
[[nodiscard]] MEMCTL_EXPORT const std::error_category& error_category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(Cause cause) noexcept {
  return {static_cast<int>(cause), error_category()};
}

}  // namespace memctl

template <>
struct std::is_error_code_enum<memctl::Cause> : std::true_type {};
