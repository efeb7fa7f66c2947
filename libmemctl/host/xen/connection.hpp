// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>

#include "host/factory.hpp"

namespace memctl::host::xen {

/// Connects to the Xen host that this runs on. `context` must outlive the connection, and is used
/// by one thread; a second one, the connection's own, makes libxl's blocking calls, and the end of
/// the connection waits for the call under way.
/// Errors: `no_xen`, `not_permitted`, `xen_unsupported` (another release of Xen), `store_error` (no
/// xenstored).
[[nodiscard]] Result<std::unique_ptr<Connection>> connect(boost::asio::io_context& context);

}  // namespace memctl::host::xen
