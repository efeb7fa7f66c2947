// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What files of this host and Xen's command line say of how its memory is managed.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "base/facts.hpp"

namespace memctl::host::xen {

/// The `autoballoon` that xl takes from the text of its xl.conf; where it is not set, "auto".
/// Nothing: a word that xl refuses.
[[nodiscard]] std::optional<Autoballoon> autoballoon_in(std::string_view text);
/// The same of a file. One that isn't there sets nothing; nothing: it cannot be read.
[[nodiscard]] std::optional<Autoballoon> read_autoballoon(const std::filesystem::path& file);

/// Whether Xen's command line gives dom0 a memory of its own, in which case xl's "auto" is off.
[[nodiscard]] bool fixes_dom0_memory(std::string_view command_line);

/// Whether libvirt runs a domain of that name and UUID, by the state that its driver keeps of each
/// domain in `directory` while it runs. Nothing: it cannot be read.
[[nodiscard]] std::optional<bool> is_managed_by_libvirt(
    std::string_view name, std::string_view uuid,
    const std::filesystem::path& directory = "/run/libvirt/libxl");

}  // namespace memctl::host::xen
