// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "base/facts.hpp"
#include "memctl/units.hpp"

namespace memctl::host::sim {

/// A domain's HAP or shadow memory. One pool page holds the page table of 2 MiB of guest memory
/// that is mapped page by page; what was there at boot is mapped by superpages and needs none until
/// one of them is broken up. Tables are never given back while the domain lives.
struct PagingPool {
  Pages total{};
  Pages base{};                ///< Taken at boot.
  Pages tables{};              ///< Taken by memory that was populated later.
  Pages broken{};              ///< Taken by superpages broken up.
  std::int64_t superpages{0};  ///< Not yet broken up.

  [[nodiscard]] Pages used() const { return base + tables + broken; }
  [[nodiscard]] Pages free() const { return total - used(); }
};

struct XenDomain {
  DomainId id{};
  DomainType type{DomainType::pv};
  Pages allocated{};  ///< tot_pages
  Pages max_pages{};
  Pages claim{};        ///< the unused part of its claim
  Pages boot{};         ///< mapped by superpages at boot
  Pages mapped_most{};  ///< the most that was ever mapped at once
  Pages unmapped{};     ///< charged, but their mapping failed
  Pages pod_entries{};  ///< populate-on-demand entries without memory behind them
  PagingPool pool{};
  bool paused{};
  bool dying{};
  ShutdownReason shutdown{ShutdownReason::none};
};

/// What a hypercall refused with: 0 or an errno, positive.
using Errno = int;

/// Xen's accounting of the host's memory, at the level of hypercalls (XEN-FACTS section 4). Nothing
/// here takes time, and each call is O(1) whatever the number of pages.
class XenModel {
 public:
  struct Options {
    Pages guests_memory{};  ///< All that Xen can give to guests and their pools.
    Pages other_memory{};   ///< Xen's own and dom0's: part of the total only.
    int major{4};
    int minor{17};
  };
  explicit XenModel(Options options) : options_{options}, free_{options.guests_memory} {}

  /// What stopped a populate short of what was asked.
  enum class Limit { none, max_pages, host, pool };
  struct Populated {
    Pages done{};
    Limit limit{Limit::none};
  };
  struct BuildRequest {
    DomainType type{DomainType::pv};
    Pages memory{};
    Pages max{};
    Pages pod_entries{};
    Pages pool{};
    bool superpages{true};  ///< false: mapped page by page, as after a restore
  };

  /// ENOMEM: the host or the pool lacks the memory.
  [[nodiscard]] Errno build(DomainId domain, const BuildRequest& request);
  /// Gives all of its memory back to the host.
  void destroy(DomainId domain);
  [[nodiscard]] XenDomain* find(DomainId domain);
  [[nodiscard]] const std::map<DomainId, XenDomain>& domains() const { return domains_; }

  [[nodiscard]] Pages free() const { return free_; }
  [[nodiscard]] Pages claimed() const { return claimed_; }
  [[nodiscard]] Pages total() const { return options_.guests_memory + options_.other_memory; }
  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] Pages scrubbing() const { return scrubbing_; }
  void set_scrubbing(Pages pages) { scrubbing_ = pages; }
  /// Memory that something which is no modelled domain takes, or gives back (negative). Takes what
  /// is there at most; returns what it took.
  Pages take_from_host(Pages pages);

  /// XENMEM_populate_physmap for pages without memory. Where mapping fails, one page stays charged.
  Populated populate(XenDomain& domain, Pages wanted);
  /// XENMEM_decrease_reservation. Less than `pages`: a superpage could not be broken up.
  Pages decrease(XenDomain& domain, Pages pages);
  /// XENMEM_claim_pages; `total` zero releases.
  [[nodiscard]] Errno claim(XenDomain& domain, Pages total);
  /// Sets the pool as hap_set_allocation does: page by page, keeping what it did when it fails.
  [[nodiscard]] Errno set_pool(XenDomain& domain, Pages pages);
  /// xc_domain_set_pod_target: takes host memory at once for entries that have none. EINVAL: above
  /// max_pages, whether there are any or not.
  [[nodiscard]] Errno set_pod_target(XenDomain& domain, Pages target);

  /// Whether all counts add up: nothing is negative, nothing got lost.
  [[nodiscard]] bool consistent() const;

 private:
  [[nodiscard]] bool claims_refill() const;
  [[nodiscard]] Pages grantable(const XenDomain& domain) const;
  void charge(XenDomain& domain, Pages pages);

  Options options_;
  Pages free_;
  Pages claimed_{};
  Pages scrubbing_{};
  Pages taken_{};
  std::map<DomainId, XenDomain> domains_{};
};

/// libxl_get_required_shadow_memory: what it gives a domain's pool.
[[nodiscard]] Kib libxl_pool(Kib maxmem, int vcpus, bool hap);

}  // namespace memctl::host::sim
