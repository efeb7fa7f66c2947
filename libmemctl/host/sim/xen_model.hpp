// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/facts.hpp"
#include "host/sim/numa_model.hpp"
#include "memctl/units.hpp"

namespace memctl::host::sim {

/// A domain's HAP or shadow pool. One pool page holds the page table of 2 MiB of guest memory that
/// is mapped page by page. Memory from the boot is mapped by superpages, and needs a page table
/// only when a superpage is broken up. Xen keeps the tables as long as the domain lives.
struct PagingPool {
  Pages total{};
  Pages base{};                ///< Taken at boot.
  Pages tables{};              ///< Taken by memory that was populated later.
  Pages broken{};              ///< Taken by superpages that were broken up.
  std::int64_t superpages{0};  ///< Superpages that are not broken up yet.

  [[nodiscard]] Pages used() const { return base + tables + broken; }
  [[nodiscard]] Pages free() const { return total - used(); }
};

struct XenDomain {
  DomainId id{};
  DomainType type{DomainType::pv};
  Pages allocated{};  ///< tot_pages
  Pages max_pages{};
  Pages claim{};        ///< The unused part of its claim.
  Pages boot{};         ///< Mapped by superpages at boot.
  Pages mapped_most{};  ///< The most that was ever mapped at once.
  Pages unmapped{};     ///< Charged, but their mapping failed.
  Pages pod_entries{};  ///< Populate-on-demand entries without memory.
  PagingPool pool{};
  bool paused{};
  bool dying{};
  ShutdownReason shutdown{ShutdownReason::none};
  std::vector<int> nodes{};  ///< Its NUMA node affinity. Empty: all.
  Holding holding{};         ///< Where its pages lie, and those of its pool.
};

/// A hypercall's result: 0, or a positive errno if Xen refused.
using Errno = int;

/// Xen's accounting of the host's memory, at the level of hypercalls (XEN-FACTS section 4). No call
/// takes virtual time, and each call is O(1) for any number of pages.
class XenModel {
 public:
  struct Options {
    Pages guests_memory{};  ///< The memory that Xen can give to guests and their pools.
    Pages other_memory{};   ///< Xen's and dom0's memory. Only the total counts it.
    int major{4};
    int minor{17};
    int numa_nodes{1};
  };
  explicit XenModel(Options options)
      : options_{options},
        free_{options.guests_memory},
        numa_{options.numa_nodes, options.guests_memory} {}

  /// What stopped a populate before all pages were populated.
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
    bool superpages{true};  ///< False: mapped page by page, as after a restore.
    std::vector<int> nodes{};
  };

  /// Builds a domain. ENOMEM: the host or the pool has too little memory.
  [[nodiscard]] Errno build(DomainId domain, const BuildRequest& request);
  /// Gives all memory of the domain back to the host.
  void destroy(DomainId domain);
  [[nodiscard]] XenDomain* find(DomainId domain);
  [[nodiscard]] const std::map<DomainId, XenDomain>& domains() const { return domains_; }

  [[nodiscard]] Pages free() const { return free_; }
  [[nodiscard]] Pages claimed() const { return claimed_; }
  [[nodiscard]] Pages total() const { return options_.guests_memory + options_.other_memory; }
  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] const NumaModel& numa() const { return numa_; }
  [[nodiscard]] Pages scrubbing() const { return scrubbing_; }
  void set_scrubbing(Pages pages) { scrubbing_ = pages; }
  /// Takes host memory for something that is no modelled domain, or gives it back (negative). Takes
  /// at most what is free, and returns what it took.
  Pages take_from_host(Pages pages);

  /// XENMEM_populate_physmap for pages without memory. If a mapping fails, one page stays charged.
  Populated populate(XenDomain& domain, Pages wanted);
  /// XENMEM_decrease_reservation. Returns less than `pages` if a superpage could not be broken up.
  Pages decrease(XenDomain& domain, Pages pages);
  /// XENMEM_claim_pages. If `total` is zero, releases the claim.
  [[nodiscard]] Errno claim(XenDomain& domain, Pages total);
  /// Sets the pool as hap_set_allocation does: page by page. If it fails, the part that it did
  /// stays.
  [[nodiscard]] Errno set_pool(XenDomain& domain, Pages pages);
  /// xc_domain_set_pod_target: takes host memory at once for entries without memory. EINVAL:
  /// `target` is above max_pages, even if there are no entries.
  [[nodiscard]] Errno set_pod_target(XenDomain& domain, Pages target);

  /// Whether all counts add up: no count is negative, and no page is lost.
  [[nodiscard]] bool consistent() const;

 private:
  [[nodiscard]] bool claims_refill() const;
  [[nodiscard]] Pages grantable(const XenDomain& domain) const;
  void charge(XenDomain& domain, Pages pages);
  /// The host's memory goes to the domain or its pool, or comes back (negative).
  void move(XenDomain& domain, Pages pages);

  Options options_;
  Pages free_;
  Pages claimed_{};
  Pages scrubbing_{};
  Pages taken_{};
  NumaModel numa_;
  Holding taken_from_{};
  std::map<DomainId, XenDomain> domains_{};
};

/// The pool that libxl gives a domain (libxl_get_required_shadow_memory).
[[nodiscard]] Kib libxl_pool(Kib maxmem, int vcpus, bool hap);

}  // namespace memctl::host::sim
