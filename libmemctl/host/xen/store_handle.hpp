// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/facts.hpp"
#include "host/xen/control.hpp"
#include "host/xen/xen_headers.hpp"
#include "memctl/error.hpp"

namespace memctl::host::xen {

/// An open connection to xenstored. The last owner closes it.
using StoreHandle = std::shared_ptr<xs_handle>;

/// Connects to xenstored. Errors: `store_error` if xenstored does not run, `not_permitted`.
[[nodiscard]] Result<StoreHandle> open_store(Control& control);

/// Which program is xenstore, for people. Nothing: it cannot be told.
[[nodiscard]] std::optional<StoreProgram> store_program(Control& control);
/// The same if xenstore is a process. `root` has the directories /run and /proc; tests pass
/// another.
[[nodiscard]] std::optional<StoreProgram> store_process(const std::filesystem::path& root = "/");

}  // namespace memctl::host::xen
