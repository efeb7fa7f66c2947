// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string_view>
#include <system_error>

#include "memctl/export.hpp"

namespace memctl {

/// Why a request was refused or failed. Each refusal and each failure has exactly one cause. The
/// names are part of the interface (JSON, Python, C): after the first release no name changes, and
/// new causes go to the end.
enum class Cause {
  no_xen = 1,            ///< There is no Xen, or its interfaces cannot be opened.
  no_such_domain,        ///< No running domain has that name or number.
  invalid_size,          ///< The text is no size, or no domain can have this size.
  invalid_argument,      ///< An unknown kind of host, an unreadable file, or a wrong option.
  below_floor,           ///< The guest needs more, or cannot give back so much.
  below_policy,          ///< Less than the administrator's minimum for this domain.
  above_policy,          ///< More than the administrator's maximum for this domain.
  not_permitted,         ///< The caller may not do this.
  busy,                  ///< Another operation holds the domain.
  host_memory,           ///< The host has too little memory to give.
  paging_pool,           ///< The domain's HAP or shadow pool cannot be made large enough.
  xen_unsupported,       ///< This Xen, or this kind of domain, does not support the request.
  hvm_emulated_devices,  ///< Emulated devices could not reach the added memory.
  passthrough,           ///< A PCI device is passed through to the domain.
  populate_on_demand,    ///< Xen still populates some of the domain's memory on demand.
  agent_absent,          ///< The guest's agent never announced itself, or does not answer.
  agent_incompatible,    ///< The agent speaks no protocol version that this library speaks.
  guest_no_hotplug,      ///< The guest's kernel cannot add memory.
  guest_kernel_fault,    ///< The guest's kernel has a known fault that this request would meet.
  address_limit,         ///< The guest's kernel has no addresses for so much added memory.
  block_size,            ///< The guest adds memory in whole blocks, and the size needs part of one.
  guest_offline_blocks,  ///< Added memory blocks stayed offline.
  guest_memmap,          ///< The guest's kernel has too little memory to manage the new memory.
  guest_balloon_gave_up,  ///< The guest's balloon driver stopped trying.
  guest_pressure,         ///< The guest needs the memory that it was asked to give back.
  guest_rebooted,         ///< The guest rebooted during the operation.
  stalled,                ///< No layer made progress for too long.
  domain_gone,            ///< The domain shut down or was destroyed.
  domain_paused,          ///< The domain is paused and can do nothing.
  domain_migrating,       ///< The domain is being saved or migrated.
  superseded,             ///< Another tool changed the target, the limit or max_pages.
  deadline,               ///< The time that the caller allowed is over.
  cancelled,              ///< The caller cancelled.
  journal_damaged,        ///< The record of an earlier operation cannot be read.
  store_error,            ///< xenstore failed.
  hypervisor_error,       ///< A hypercall, or libxl, failed.
};

/// The cause's name as in JSON, for example "host_memory". Never fails. The text is static.
[[nodiscard]] MEMCTL_EXPORT std::string_view name(Cause cause);
/// The cause with this name; nothing: no cause has this name.
[[nodiscard]] MEMCTL_EXPORT std::optional<Cause> cause_named(std::string_view name);
/// One sentence about what a person can do. Empty if nothing helps in every case of this cause, or
/// if the message says it already. The text is static.
[[nodiscard]] MEMCTL_EXPORT std::string_view hint(Cause cause);

/// The category of memctl's error codes. The library holds the only object of it, so codes compare
/// equal across shared libraries.
[[nodiscard]] MEMCTL_EXPORT const std::error_category& error_category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(Cause cause) noexcept {
  return {static_cast<int>(cause), error_category()};
}

}  // namespace memctl

template <>
struct std::is_error_code_enum<memctl::Cause> : std::true_type {};
