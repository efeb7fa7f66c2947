// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "host/hypervisor.hpp"
#include "host/saves.hpp"
#include "host/store.hpp"
#include "host/xen/control.hpp"
#include "host/xen/libxl_context.hpp"
#include "host/xen/process.hpp"
#include "host/xen/workers.hpp"

namespace memctl::host::xen {

/// Xen. If libxl has a call for something, a worker makes it; otherwise libxenctrl is called.
class XenHypervisor final : public Hypervisor {
 public:
  /// All arguments must outlive this.
  XenHypervisor(Control& control, StoreView& store, LibxlContexts& libxl, Workers& workers)
      : control_{control}, store_{store}, libxl_{libxl}, workers_{workers} {}

  [[nodiscard]] Result<HostFacts> host_facts() override;
  [[nodiscard]] Result<HostSettings> host_settings() override;
  [[nodiscard]] Task<std::vector<DomainIdentity>> domains() override;
  [[nodiscard]] Task<DomainFacts> domain_facts(DomainId domain) override;
  [[nodiscard]] Result<std::string> uuid(DomainId domain) override;
  [[nodiscard]] Result<DomainMemory> domain_memory(DomainId domain) override;

  [[nodiscard]] Task<void> set_limit(DomainId domain, Kib limit) override;
  [[nodiscard]] Task<void> set_size(DomainId domain, Kib size) override;
  [[nodiscard]] Result<void> set_max_pages(DomainId domain, Kib max) override;
  [[nodiscard]] Result<void> claim(DomainId domain, Pages total) override;
  [[nodiscard]] Result<void> release_claim(DomainId domain) override;
  [[nodiscard]] Result<void> set_pool(DomainId domain, Kib pool) override;
  [[nodiscard]] Task<std::optional<Kib>> set_frozen_pool(DomainId domain, std::optional<Kib> from,
                                                         std::optional<Kib> to) override;
  [[nodiscard]] Result<bool> save_in_progress(DomainId domain, Duration oldest) override;

 private:
  /// Runs `call(LibxlContext&)` on one of the workers' threads.
  template <class Call>
  [[nodiscard]] auto with_libxl(DomainId domain, Call call) {
    return workers_.call(domain, [&libxl = libxl_, call] { return libxl.with_one(call); });
  }
  [[nodiscard]] Result<DomainIdentity> identity(const xc_domaininfo_t& info);
  [[nodiscard]] Result<std::optional<Kib>> stored_kib(DomainId domain, std::string_view key);
  [[nodiscard]] Result<std::optional<Kib>> pool_of(DomainId domain);
  [[nodiscard]] Result<std::optional<Pages>> pod_entries(DomainId domain);
  /// The facts that need neither libxl's lock nor a wait.
  [[nodiscard]] Result<DomainFacts> immediate_facts(DomainId domain);

  Control& control_;
  StoreView& store_;
  LibxlContexts& libxl_;
  Workers& workers_;
  SaveHelpers save_helpers_{};
  Saves saves_{[this](TimePoint now) { return save_helpers_.find(now); }};
};

}  // namespace memctl::host::xen
