// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Processes of this host, as /proc shows them. `proc` is where that is mounted; tests give another.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "memctl/error.hpp"
#include "memctl/units.hpp"

namespace memctl::host::xen {

/// "BOOT-ID:PID:START-TIME:PID-NAMESPACE": names no other process, whatever the reuse of numbers,
/// and whatever container it runs in.
[[nodiscard]] std::string this_process(const std::filesystem::path& proc = "/proc");
/// Whether the process that had this name is still there. In doubt it is: where its entry is
/// hidden, and where it ran in another PID namespace and this process is in none that sees all of
/// them, as in a container. dom0 itself sees all.
[[nodiscard]] bool is_process_alive(const std::string& name,
                                    const std::filesystem::path& proc = "/proc");

/// The domain that a process with this command line (as /proc/PID/cmdline has it) is saving or
/// sending away; nothing: it is no save helper.
[[nodiscard]] std::optional<DomainId> domain_being_saved(std::string_view cmdline);
/// Whether any process is a save helper for `domain`. Errors: `hypervisor_error`.
[[nodiscard]] Result<bool> is_being_saved(DomainId domain,
                                          const std::filesystem::path& proc = "/proc");

}  // namespace memctl::host::xen
