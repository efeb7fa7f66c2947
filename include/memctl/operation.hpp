// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include "memctl/error.hpp"
#include "memctl/export.hpp"
#include "memctl/report.hpp"

namespace memctl {

class HostState;

/// A resize under way. A cheap handle: copies share the operation. Thread-safe. Dropping the last
/// handle does not end the operation; its host's end does.
class MEMCTL_EXPORT Operation {
 public:
  struct State;
  Operation(std::shared_ptr<HostState> host, std::shared_ptr<State> state);

  /// Blocks until the operation has ended. The report of a verified resize; otherwise the error,
  /// which carries the report. Not to be called from an event callback.
  [[nodiscard]] Result<Report> wait();
  /// Asks the operation to end with `cancelled`; `wait` tells how that went. Doesn't block.
  void cancel();

 private:
  std::shared_ptr<HostState> host_;
  std::shared_ptr<State> state_;
};

}  // namespace memctl
