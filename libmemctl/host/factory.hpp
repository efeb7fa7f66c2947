// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string_view>

#include "host/port.hpp"

namespace memctl::host {

/// A port and what drives it. Implemented by `xen/` and `sim/`.
class Connection {
 public:
  virtual ~Connection() = default;
  [[nodiscard]] virtual Port& port() = 0;
  /// Runs what is ready on `context`, and waits for more; returns once the context is stopped or
  /// has no work. The simulated host also lets its virtual time pass when nothing else is to be
  /// done.
  virtual void run() = 0;
};

/// Connects `context` to the host that `uri` names. Errors: `no_xen`, `not_permitted`,
/// `xen_unsupported`, `invalid_argument` (no such kind of host, or no such file).
[[nodiscard]] Result<std::unique_ptr<Connection>> connect(std::string_view uri,
                                                          boost::asio::io_context& context);

}  // namespace memctl::host
