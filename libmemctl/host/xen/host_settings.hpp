// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What this host's files and Xen's command line say about its memory management.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "base/facts.hpp"

namespace memctl::host::xen {

/// The `autoballoon` that xl reads from the text of its xl.conf; "auto" if the text does not set
/// it. Nothing: it is set to a word that xl refuses.
[[nodiscard]] std::optional<Autoballoon> autoballoon_in(std::string_view text);
/// The `autoballoon` that xl reads from `file`; "auto" if there is no such file. Nothing: also if
/// the file cannot be read.
[[nodiscard]] std::optional<Autoballoon> read_autoballoon(const std::filesystem::path& file);

/// Whether Xen's command line fixes dom0's memory. If it does, xl's "auto" means off.
[[nodiscard]] bool fixes_dom0_memory(std::string_view command_line);

/// Whether libvirt runs the domain with this name and UUID. While a domain runs, libvirt's driver
/// keeps its state in a file in `directory`. Nothing: the file cannot be read.
[[nodiscard]] std::optional<bool> is_managed_by_libvirt(
    std::string_view name, std::string_view uuid,
    const std::filesystem::path& directory = "/run/libvirt/libxl");

}  // namespace memctl::host::xen
