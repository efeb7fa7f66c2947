// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "host/xen/control.hpp"
#include "host/xen/xen_headers.hpp"
#include "memctl/error.hpp"

namespace memctl::host::xen {

/// An open connection to xenstored. The last owner closes it.
using StoreHandle = std::shared_ptr<xs_handle>;

/// Connects to xenstored. Errors: `store_error` if xenstored does not run, `not_permitted`.
[[nodiscard]] Result<StoreHandle> open_store(Control& control);

}  // namespace memctl::host::xen
