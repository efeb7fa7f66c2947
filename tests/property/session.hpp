// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "random_host.hpp"
#include "resize/operation.hpp"
#include "support/simulation.hpp"

namespace memctl::property {

/// The limits of a domain, to be compared.
struct Limits {
  Kib max_pages{};
  std::optional<Kib> limit{};
  std::optional<Kib> target{};
  Kib pool{};
  std::optional<Kib> frozen_pool{};
  friend bool operator==(const Limits&, const Limits&) = default;
};

/// A simulated host whose guests are resized, one request after the other, while other things
/// happen to it. After each request it checks every promise. A broken promise is a failed
/// RC_ASSERT.
class Session {
 public:
  explicit Session(const HostChoice& choice);

  /// Carries out one step of a scenario.
  void follow(Step step);
  /// How many operations ran.
  [[nodiscard]] int operations() const { return operations_; }

 private:
  struct Before {
    std::map<DomainId, Limits> limits{};
    Kib available{};
    bool at_rest{};
    bool others_rest{true};
    Kib allocated{};
    std::map<DomainId, int> oom_kills{};
    std::int64_t blocks_offline{};
    bool adds_blocks{};  ///< For an earlier request, and whatever becomes of that.
  };

  void trouble(DomainId id, const Step& step);
  [[nodiscard]] SizeRequest request(DomainId id, const Step& step);
  [[nodiscard]] DomainIdentity identity(DomainId id);
  [[nodiscard]] Limits limits(DomainId id);
  [[nodiscard]] bool rests(DomainId id);
  [[nodiscard]] Before look(DomainId id);
  [[nodiscard]] bool stands(DomainId id) { return world_.xen().find(id) != nullptr; }
  [[nodiscard]] static bool takes_domain_away(Trouble trouble);
  [[nodiscard]] static bool sets_limits(Trouble trouble);

  void check_world(const Before& before, const Step& step);
  void check_end(DomainId id, const Before& before, const Result<Report>& ended, const Step& step,
                 bool undisturbed);
  void check_offer(DomainId id, const Error& error, const Step& step);

  test::Simulation simulation_;
  host::sim::World& world_;
  std::vector<DomainId> guests_{};
  Kib taken_{};
  int operations_{0};
};

}  // namespace memctl::property
