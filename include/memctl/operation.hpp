// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "memctl/domain_info.hpp"
#include "memctl/error.hpp"
#include "memctl/export.hpp"
#include "memctl/report.hpp"

namespace memctl {

class HostState;

/// A resize under way. A cheap handle: copies share the operation, and keep the connection to the
/// host open. Thread-safe. The operation continues if the last handle is dropped, and is cancelled
/// if its host is closed. `memctl/asio.hpp` awaits it with Boost.Asio.
class MEMCTL_EXPORT Operation {
 public:
  struct State;
  Operation(std::shared_ptr<HostState> host, std::shared_ptr<State> state);

  /// The domain that is resized. The reference is valid while a handle exists.
  [[nodiscard]] const DomainIdentity& domain() const;

  /// Whether the operation has ended: then `wait` returns without blocking. Does not block.
  [[nodiscard]] bool done() const;
  /// Blocks until the operation has ended. Returns the report of a verified resize, or the error,
  /// which carries the report: at every call the same.
  [[nodiscard]] Result<Report> wait() const;
  /// The same, but blocks for `time` at most. Nothing: the operation is still under way. `time` is
  /// real time, also on a simulated host.
  [[nodiscard]] std::optional<Result<Report>> wait_for(std::chrono::milliseconds time) const;

  /// Asks the operation to end with `cancelled`. `wait` tells how it ended. Does not block.
  void cancel() const;
  /// Calls `then` once when the operation has ended, or soon if it has ended already. `then` runs
  /// on the host's thread and must not block, but may start the next operation. Exceptions of
  /// `then` are ignored. Does not block.
  void on_end(std::function<void()> then) const;

 private:
  std::shared_ptr<HostState> host_;
  std::shared_ptr<State> state_;
};

}  // namespace memctl
