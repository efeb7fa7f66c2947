// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>

#include "host/factory.hpp"

namespace memctl::host::xen {

/// Connects to the Xen host whose dom0 this process runs in. `context` must outlive the connection,
/// and one thread uses it. The connection has threads of its own for libxl's blocking calls, and
/// its destructor waits for the calls under way. Errors: `no_xen`, `not_permitted`,
/// `xen_unsupported` (another release of Xen), `store_error` (xenstored does not run).
[[nodiscard]] Result<std::unique_ptr<Connection>> connect(boost::asio::io_context& context);

}  // namespace memctl::host::xen
