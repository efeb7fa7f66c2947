// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/xen/hypervisor.hpp"

#include <chrono>
#include <string>

#include "host/xen/errors.hpp"
#include "host/xen/host_settings.hpp"
#include "host/xen/numa.hpp"
#include "host/xen/process.hpp"
#include "host/xen/store_handle.hpp"
#include "memctl/size.hpp"

namespace memctl::host::xen {
namespace {

std::string name(DomainId domain) { return "domain " + std::to_string(number(domain)); }

std::string count(std::uint64_t pages) { return std::to_string(pages) + " pages"; }

}  // namespace

Result<HostFacts> XenHypervisor::host_facts() {
  xc_physinfo_t host{};
  if (xc_physinfo(control_.get(), &host) != 0) return control_.failed("read the host's figures");
  const auto pages = [](std::uint64_t n) { return to_pages(saturated_kib_of_pages(n)); };
  return HostFacts{.free = pages(host.free_pages),
                   .claimed = pages(host.outstanding_pages),
                   .scrubbing = pages(host.scrub_pages),
                   .total = pages(host.total_pages),
                   .numa_nodes = static_cast<int>(host.nr_nodes),
                   .nodes = host.nr_nodes > 1 ? numa_nodes(control_) : std::vector<HostNode>{},
                   .xen_major = control_.xen_major(),
                   .xen_minor = control_.xen_minor()};
}

Result<HostSettings> XenHypervisor::host_settings() {
  HostSettings settings{.autoballoon = read_autoballoon("/etc/xen/xl.conf"),
                        .memory_managers = running_memory_managers(),
                        .store = store_program(control_)};
  xen_commandline_t line{};
  if (xc_version(control_.get(), XENVER_commandline, line) == 0) {
    const std::string_view text{line, sizeof line};
    settings.dom0_memory_is_fixed = fixes_dom0_memory(text.substr(0, text.find('\0')));
  } else {
    (void)control_.take_log();
  }
  return settings;
}

Result<DomainMemory> XenHypervisor::domain_memory(DomainId domain) {
  BOOST_OUTCOME_TRY(const auto info, control_.domain(domain));
  return memory_of(info);
}

Task<void> XenHypervisor::set_limit(DomainId domain, Kib limit) {
  BOOST_OUTCOME_CO_TRYV(require_size(limit));
  co_return co_await with_libxl(
      domain, [domain, limit](LibxlContext& libxl) { return libxl.set_limit(domain, limit); });
}

Task<void> XenHypervisor::set_size(DomainId domain, Kib size) {
  BOOST_OUTCOME_CO_TRYV(require_size(size));
  co_return co_await with_libxl(
      domain, [domain, size](LibxlContext& libxl) { return libxl.set_size(domain, size); });
}

Result<void> XenHypervisor::set_max_pages(DomainId domain, Kib size) {
  BOOST_OUTCOME_TRYV(require_size(size));
  if (xc_domain_setmaxmem(control_.get(), number(domain),
                          static_cast<std::uint64_t>(size.count())) == 0) {
    return success();
  }
  return control_.failed("set the maximum of " + name(domain));
}

Result<void> XenHypervisor::claim(DomainId domain, Pages total) {
  if (total <= Pages{0}) return require_size(to_kib(total));
  if (xc_domain_claim_pages(control_.get(), number(domain),
                            static_cast<unsigned long>(total.count())) == 0) {
    return success();
  }
  Error error = control_.failed("claim memory for " + name(domain));
  // EINVAL can mean that the domain does not exist, so look for the domain first.
  BOOST_OUTCOME_TRY(const auto info, control_.domain(domain));
  const auto wanted = static_cast<std::uint64_t>(total.count());
  if (error.raw == ENOMEM) {
    BOOST_OUTCOME_TRY(const auto host, host_facts());
    error.cause = Cause::host_memory;
    const Pages missing = total - to_pages(saturated_kib_of_pages(info.tot_pages));
    error.message = name(domain) + " needs " + to_string(to_kib(missing)) + " more; the host has " +
                    to_string(to_kib(host.available())) + " to give";
  } else if (error.raw == EINVAL) {
    error.message = "Xen refuses a claim of " + count(wanted) + " for " + name(domain) +
                    ", which has " + count(info.tot_pages) + ", may have " + count(info.max_pages) +
                    ", and holds a claim on " + count(info.outstanding_pages);
  } else if (error.raw == EOPNOTSUPP) {
    error.cause = Cause::xen_unsupported;
    error.message =
        "this Xen cannot reserve memory for " + name(domain) + " (it colours the last-level cache)";
  }
  return error;
}

Result<void> XenHypervisor::release_claim(DomainId domain) {
  if (xc_domain_claim_pages(control_.get(), number(domain), 0) == 0) return success();
  Error error = control_.failed("release the claim of " + name(domain));
  BOOST_OUTCOME_TRYV(control_.domain(domain));
  return error;
}

Result<void> XenHypervisor::set_pool(DomainId domain, Kib pool) {
  BOOST_OUTCOME_TRYV(require_size(pool));
  const auto set = [&](Kib size) {
    const auto bytes = static_cast<std::uint64_t>(round_up(size, kib_per_page).count()) * 1024;
    return xc_set_paging_mempool_size(control_.get(), number(domain), bytes) == 0;
  };
  BOOST_OUTCOME_TRY(const auto earlier, pool_of(domain));
  if (set(pool)) return success();
  Error error = control_.failed("set the paging pool of " + name(domain) + " to " +
                                to_string(round_up(pool, kib_per_page)));
  if (error.raw == ENOMEM) {
    error.cause = Cause::paging_pool;
    // When the host has no more memory, Xen stops and keeps the pages in the pool that it has put
    // there, and the host would have none left. These pages are still free in the pool, so the pool
    // can be set to its earlier size. A pool that is set below its use loses its free pages, which
    // the guest would then miss.
    if (earlier && !set(*earlier)) (void)control_.take_log();
  }
  if (error.raw == EOPNOTSUPP) {
    error.cause = Cause::xen_unsupported;
    error.message = name(domain) + " is a pv domain, which has no paging pool";
  }
  return error;
}

Task<std::optional<Kib>> XenHypervisor::set_frozen_pool(DomainId domain, std::optional<Kib> from,
                                                        std::optional<Kib> to) {
  BOOST_OUTCOME_CO_TRYV(require_size(to.value_or(kib_per_page)));
  co_return co_await with_libxl(domain, [domain, from, to](LibxlContext& libxl) {
    return libxl.set_frozen_pool(domain, from, to);
  });
}

Result<bool> XenHypervisor::save_in_progress(DomainId domain, Duration oldest) {
  const TimePoint now = std::chrono::steady_clock::now();
  if (const auto known = saves_.include(domain, now - oldest)) return *known;
  BOOST_OUTCOME_TRYV(control_.domain(domain));
  BOOST_OUTCOME_TRYV(saves_.look(now));
  return saves_.include(domain, TimePoint::min()).value();
}

}  // namespace memctl::host::xen
