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

/// "BOOT-ID:PID:START-TIME": names no other process, whatever the reuse of numbers.
[[nodiscard]] std::string this_process(const std::filesystem::path& proc = "/proc");
/// Whether the process that had this name is still there. In doubt (its entry is hidden) it is.
[[nodiscard]] bool is_process_alive(const std::string& name,
                                    const std::filesystem::path& proc = "/proc");

/// The domain that a process with this command line (as /proc/PID/cmdline has it) is saving or
/// sending away; nothing: it is no save helper.
[[nodiscard]] std::optional<DomainId> domain_being_saved(std::string_view cmdline);
/// Whether any process is a save helper for `domain`. Errors: `hypervisor_error`.
[[nodiscard]] Result<bool> is_being_saved(DomainId domain,
                                          const std::filesystem::path& proc = "/proc");

}  // namespace memctl::host::xen
