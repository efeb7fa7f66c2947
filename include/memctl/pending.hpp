// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <utility>

#include "memctl/error.hpp"

namespace memctl {

/// An answer that is under way. A cheap handle: copies share the answer. Thread-safe. Keeps the
/// connection to the host open. If the last handle is dropped, the host still finishes what was
/// asked.
template <class T>
class Pending {
 public:
  /// `Domain` makes it. `wait` must be thread-safe, and return the same at every call.
  explicit Pending(std::function<Result<T>()> wait) : wait_{std::move(wait)} {}

  /// Blocks until the answer is there, and returns it: at every call the same. Must not be called
  /// from an event callback.
  [[nodiscard]] Result<T> wait() const { return wait_(); }

 private:
  std::function<Result<T>()> wait_;
};

}  // namespace memctl
