// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string_view>

#include "host/port.hpp"

namespace memctl::host {

/// A port and the loop that drives it. `xen/` and `sim/` implement it.
class Connection {
 public:
  virtual ~Connection() = default;
  [[nodiscard]] virtual Port& port() = 0;
  /// Runs the work of `context`, and returns when the context is stopped or has no work. When
  /// nothing is ready, the real host waits and the simulated host lets its virtual time pass.
  virtual void run() = 0;
};

/// Connects `context` to the host that `uri` names. Errors: `no_xen`, `not_permitted`,
/// `xen_unsupported`, `invalid_argument` (an unknown kind of host, or an unreadable file).
[[nodiscard]] Result<std::unique_ptr<Connection>> connect(std::string_view uri,
                                                          boost::asio::io_context& context);

}  // namespace memctl::host
