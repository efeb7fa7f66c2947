// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/asio/awaitable.hpp>
#include <vector>

#include "host/hypervisor.hpp"
#include "host/saves.hpp"
#include "host/sim/world.hpp"

namespace memctl::host::sim {

/// The hypercalls and libxl calls of one process on a world.
class SimHypervisor final : public Hypervisor {
 public:
  explicit SimHypervisor(World& world) : world_{world} {}

  Result<HostFacts> host_facts() override;
  Result<HostSettings> host_settings() override;
  Task<std::vector<DomainIdentity>> domains() override;
  Task<DomainFacts> domain_facts(DomainId domain) override;
  Result<std::string> uuid(DomainId domain) override;
  Result<DomainMemory> domain_memory(DomainId domain) override;
  Task<void> set_limit(DomainId domain, Kib limit) override;
  Task<void> set_size(DomainId domain, Kib size) override;
  Result<void> set_max_pages(DomainId domain, Kib max) override;
  Result<void> claim(DomainId domain, Pages total) override;
  Result<void> release_claim(DomainId domain) override;
  Result<void> set_pool(DomainId domain, Kib pool) override;
  Task<std::optional<Kib>> set_frozen_pool(DomainId domain, std::optional<Kib> from,
                                           std::optional<Kib> to) override;
  Result<bool> save_in_progress(DomainId domain, Duration oldest) override;

 private:
  /// Waits as one of libxl's calls does: for libxl's lock of the domain, and for the call's own
  /// time.
  [[nodiscard]] boost::asio::awaitable<void> libxl_call(DomainId domain);
  World& world_;
  Saves saves_{[&world = world_](TimePoint) { return world.toolstack().look_for_saves(); }};
};

}  // namespace memctl::host::sim
