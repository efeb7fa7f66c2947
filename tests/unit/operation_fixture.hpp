// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "resize/operation.hpp"
#include "support/simulation.hpp"

namespace memctl::resize {

/// Everything that a refused or restored resize must leave unchanged.
struct Limits {
  Kib max_pages;
  std::optional<Kib> limit;
  std::optional<Kib> target;
  Kib pool;
  Kib claimed;
  friend bool operator==(const Limits&, const Limits&) = default;
};

/// Takes 16 pages from the domain and gives them back, in turn, for as long as the world goes on.
/// Must outlive that.
class Swaying {
 public:
  Swaying(host::sim::World& world, DomainId id, host::Duration interval)
      : world_{world}, id_{id}, interval_{interval} {
    turn_later();
  }
  Swaying(const Swaying&) = delete;
  Swaying& operator=(const Swaying&) = delete;

 private:
  void turn_later() {
    world_.after(interval_, [this] { turn(); });
  }
  void turn() {
    host::sim::XenDomain& domain = *world_.xen().find(id_);
    if (more_) {
      static_cast<void>(world_.xen().populate(domain, Pages{16}));
    } else {
      static_cast<void>(world_.xen().decrease(domain, Pages{16}));
    }
    more_ = !more_;
    turn_later();
  }

  host::sim::World& world_;
  DomainId id_;
  host::Duration interval_;
  bool more_{false};
};

class OperationOnSim : public testing::TestWithParam<DomainType> {
 protected:
  DomainId add(host::sim::GuestSpec spec = {}) {
    spec.type = GetParam();
    return simulation.world.add_guest(std::move(spec));
  }

  DomainIdentity identity(DomainId id) {
    return {.id = id, .name = simulation.world.guest(id).spec().name, .type = GetParam()};
  }

  Result<Report> resize(DomainId id, SizeRequest size, ResizeOptions options = {}) {
    ResizeOperation operation{simulation.port(), identity(id), size, std::move(options)};
    return simulation.run(operation.run());
  }

  Limits limits(DomainId id) {
    auto& world = simulation.world;
    return {.max_pages = world.max_pages(id),
            .limit = world.limit(id),
            .target = world.target(id),
            .pool = world.pool(id),
            .claimed = world.host_claimed()};
  }

  bool journal_stands(DomainId id) {
    return Journal{simulation.port().store(), identity(id)}.read().value().has_value();
  }

  test::Simulation simulation{};
};

}  // namespace memctl::resize
