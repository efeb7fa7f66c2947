// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "host/clock.hpp"
#include "host/hypervisor.hpp"
#include "host/store.hpp"

namespace memctl::host {

/// A host as an operation sees it. Everything in it belongs to one executor and is used on that
/// executor alone.
class Port {
 public:
  virtual ~Port() = default;
  [[nodiscard]] virtual Hypervisor& hypervisor() = 0;
  [[nodiscard]] virtual Store& store() = 0;
  [[nodiscard]] virtual Clock& clock() = 0;

  /// A name of this process that no other process of this host has, now or later.
  [[nodiscard]] virtual std::string self() = 0;
  /// Whether the process whose `self` returned `owner` still runs.
  [[nodiscard]] virtual bool is_alive(const std::string& owner) = 0;
};

}  // namespace memctl::host
