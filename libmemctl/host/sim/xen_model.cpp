// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/sim/xen_model.hpp"

#include <algorithm>
#include <cerrno>

namespace memctl::host::sim {
namespace {

constexpr std::int64_t pages_per_table = 512;                        // 2 MiB
constexpr std::int64_t pages_per_directory = 512 * pages_per_table;  // 1 GiB
constexpr std::int64_t tables_per_gib = 512 + 1;                     // with their directory
constexpr Pages pool_at_boot{20};  // 952 MiB of the measured pvh guest: 416 - 396 pages

/// Pool pages for the tables of `pages` that were populated one by one.
Pages tables_for(Pages pages) {
  const std::int64_t n = pages.count();
  return Pages{(n + pages_per_table - 1) / pages_per_table + n / pages_per_directory};
}

/// The most pages that `tables` cover: the inverse of `tables_for`.
Pages covered_by(Pages tables) {
  const std::int64_t whole = tables.count() / tables_per_gib;
  const std::int64_t rest = tables.count() % tables_per_gib;
  return Pages{whole * pages_per_directory +
               std::min(rest * pages_per_table, pages_per_directory - 1)};
}

}  // namespace

Kib libxl_pool(Kib maxmem, int vcpus, bool hap) {
  const std::int64_t mib = (maxmem.count() + 1023) / 1024;
  return 4_KiB * (256 * std::int64_t{vcpus} + (hap ? 1 : 2) * mib);
}

bool XenModel::claims_refill() const {
  return options_.major < 4 || (options_.major == 4 && options_.minor < 22);
}

XenDomain* XenModel::find(DomainId domain) {
  const auto found = domains_.find(domain);
  return found == domains_.end() ? nullptr : &found->second;
}

Errno XenModel::build(DomainId id, const BuildRequest& request) {
  if (request.memory + request.pool > free_ - claimed_) return ENOMEM;
  XenDomain domain{.id = id,
                   .type = request.type,
                   .allocated = request.memory,
                   .max_pages = request.max,
                   .boot = request.memory,
                   .mapped_most = request.memory,
                   .pod_entries = request.pod_entries,
                   .nodes = request.nodes};
  if (request.type != DomainType::pv) {
    domain.pool.total = request.pool;
    domain.pool.base = pool_at_boot + Pages{request.memory.count() / pages_per_directory};
    if (request.superpages) {
      domain.pool.superpages = request.memory.count() / pages_per_table;
    } else {
      domain.pool.tables = tables_for(request.memory);
      domain.boot = Pages{};
    }
    if (domain.pool.free() < Pages{}) return ENOMEM;
  }
  move(domain, request.memory + request.pool);
  domains_.emplace(id, std::move(domain));
  return 0;
}

void XenModel::destroy(DomainId id) {
  const auto found = domains_.find(id);
  if (found == domains_.end()) return;
  XenDomain& domain = found->second;
  claimed_ -= domain.claim;
  move(domain, -(domain.allocated + domain.pool.total));
  domains_.erase(found);
}

Pages XenModel::take_from_host(Pages pages) {
  const Pages took =
      pages < Pages{} ? -std::min(-pages, taken_) : std::min(pages, free_ - claimed_);
  free_ -= took;
  taken_ += took;
  if (took > Pages{}) {
    numa_.take(taken_from_, {}, took);
  } else {
    numa_.give(taken_from_, {}, -took);
  }
  return took;
}

void XenModel::move(XenDomain& domain, Pages pages) {
  free_ -= pages;
  if (pages > Pages{}) {
    numa_.take(domain.holding, domain.nodes, pages);
  } else {
    numa_.give(domain.holding, domain.nodes, -pages);
  }
}

Pages XenModel::grantable(const XenDomain& domain) const {
  return domain.claim + (free_ - claimed_);
}

void XenModel::charge(XenDomain& domain, Pages pages) {
  const Pages from_claim = std::min(pages, domain.claim);
  domain.allocated += pages;
  domain.claim -= from_claim;
  claimed_ -= from_claim;
  move(domain, pages);
}

XenModel::Populated XenModel::populate(XenDomain& domain, Pages wanted) {
  Populated result{.done = wanted};
  const auto cap = [&result](Pages most, Limit limit) {
    if (most < result.done) result = {std::max(most, Pages{}), limit};
  };
  cap(domain.max_pages - domain.allocated, Limit::max_pages);
  cap(grantable(domain), Limit::host);
  const Pages mapped = domain.allocated - domain.unmapped;
  if (domain.type != DomainType::pv) {
    const Pages coverable = domain.boot + covered_by(domain.pool.tables + domain.pool.free());
    cap(std::max(coverable, domain.mapped_most) - mapped, Limit::pool);
  }
  charge(domain, result.done);
  if (mapped + result.done > domain.mapped_most) {
    domain.mapped_most = mapped + result.done;
    if (domain.type != DomainType::pv) {
      domain.pool.tables =
          std::max(domain.pool.tables, tables_for(domain.mapped_most - domain.boot));
    }
  }
  if (result.limit == Limit::pool && domain.allocated < domain.max_pages &&
      grantable(domain) > Pages{}) {
    charge(domain, Pages{1});
    domain.unmapped += Pages{1};
  }
  if (result.limit == Limit::max_pages && !claims_refill() && domain.claim > Pages{}) {
    domain.claim -= Pages{1};  // Xen takes the page from the claim before it refuses the page
    claimed_ -= Pages{1};
  }
  return result;
}

Pages XenModel::decrease(XenDomain& domain, Pages pages) {
  const Pages from_pod = std::min(pages, domain.pod_entries);
  domain.pod_entries -= from_pod;
  Pages real = pages - from_pod;
  if (domain.type != DomainType::pv && real > Pages{}) {
    const std::int64_t to_break =
        std::min(domain.pool.superpages, (real.count() + pages_per_table - 1) / pages_per_table);
    const std::int64_t breakable = std::min(to_break, std::max(domain.pool.free().count(), {}));
    domain.pool.broken += Pages{breakable};
    domain.pool.superpages -= breakable;
    if (breakable < to_break) real = std::min(real, Pages{breakable * pages_per_table});
  }
  domain.allocated -= real;
  move(domain, -real);
  if (domain.claim > Pages{} && claims_refill()) {
    domain.claim += real;
    claimed_ += real;
  }
  return from_pod + real;
}

Errno XenModel::claim(XenDomain& domain, Pages total) {
  if (total == Pages{}) {
    claimed_ -= domain.claim;
    domain.claim = Pages{};
    return 0;
  }
  if (domain.claim > Pages{}) return EINVAL;
  if (total <= domain.allocated || total > domain.max_pages) return EINVAL;
  const Pages claimed = total - domain.allocated;
  if (claimed > free_ - claimed_) return ENOMEM;
  domain.claim = claimed;
  claimed_ += claimed;
  return 0;
}

Errno XenModel::set_pool(XenDomain& domain, Pages pages) {
  if (domain.type == DomainType::pv) return EOPNOTSUPP;
  const Pages wanted = pages - domain.pool.total;
  // A pool never takes claimed memory, not even from the domain's own claim.
  const Pages change =
      wanted > Pages{} ? std::min(wanted, free_ - claimed_) : std::max(wanted, -domain.pool.free());
  domain.pool.total += change;
  move(domain, change);
  return change == wanted ? 0 : ENOMEM;
}

Errno XenModel::set_pod_target(XenDomain& domain, Pages target) {
  if (domain.type == DomainType::pv) return 0;
  if (target > domain.max_pages) return EINVAL;
  const Pages wanted = std::min(target - domain.allocated, domain.pod_entries);
  if (wanted <= Pages{}) return 0;
  const Pages change = std::min({wanted, grantable(domain), domain.max_pages - domain.allocated});
  charge(domain, change);
  domain.pod_entries -= change;
  domain.boot += change;
  domain.pool.superpages += change.count() / pages_per_table;
  domain.mapped_most = std::max(domain.mapped_most, domain.allocated);
  return change == wanted ? 0 : ENOMEM;
}

bool XenModel::consistent() const {
  if (numa_.nodes() > 1 && numa_.free() != free_) return false;
  Pages given = taken_;
  Pages claimed{};
  bool sound = free_ >= Pages{} && claimed_ >= Pages{} && claimed_ <= free_;
  for (const auto& [id, domain] : domains_) {
    given += domain.allocated + domain.pool.total;
    claimed += domain.claim;
    sound = sound && domain.allocated >= Pages{} && domain.claim >= Pages{} &&
            domain.pool.free() >= Pages{};
  }
  return sound && claimed == claimed_ && given + free_ == options_.guests_memory;
}

}  // namespace memctl::host::sim
