// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "host/clock.hpp"
#include "memctl/domain_info.hpp"
#include "memctl/error.hpp"
#include "resize/progress.hpp"

namespace memctl::resize {

/// Whether the caller still wants the resize. It does until it cancels, the time that it allowed is
/// over, or its on_event throws. Belongs to the host's executor.
class Wish {
 public:
  /// `how_far` tells where the domain is, for the message of a deadline: " at 1102 of 3072 MiB".
  /// `clock`, `wakeup`, `progress` and `domain` must outlive this.
  Wish(const host::Clock& clock, host::Wakeup& wakeup, const Progress& progress,
       const DomainIdentity& domain, std::optional<std::chrono::milliseconds> timeout,
       std::function<std::string()> how_far);

  /// The caller cancels. Wakes the operation.
  void cancel();
  /// The time that the caller allowed begins now.
  void restart_deadline();

  /// Errors: `cancelled`, `deadline`.
  [[nodiscard]] Result<void> require() const;
  /// When the wish ends, or the clock's epoch if it has ended. Nothing: it has no deadline.
  [[nodiscard]] std::optional<host::TimePoint> ends_at() const;

 private:
  const host::Clock* clock_;
  host::Wakeup* wakeup_;
  const Progress* progress_;
  const DomainIdentity* domain_;
  std::optional<std::chrono::milliseconds> timeout_;
  std::function<std::string()> how_far_;
  std::optional<host::TimePoint> deadline_{};
  bool cancelled_{false};
};

}  // namespace memctl::resize
