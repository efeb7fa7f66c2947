// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/sim/hypervisor.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

namespace memctl::host::sim {
namespace {

Error refused(Cause cause, const std::string& call, DomainId domain, Errno code) {
  return {
      .cause = cause,
      .message = call + " of domain " + std::to_string(number(domain)) + ": " + std::strerror(code),
      .raw = code};
}

DomainMemory memory_of(const XenDomain& domain) {
  return {.allocated = domain.allocated,
          .max_pages = to_kib(domain.max_pages),
          .claim = domain.claim,
          .paused = domain.paused,
          .dying = domain.dying,
          .shutdown = domain.shutdown};
}

}  // namespace

Result<HostFacts> SimHypervisor::host_facts() {
  const XenModel& xen = world_.xen();
  const NumaModel& numa = xen.numa();
  std::vector<HostNode> nodes;
  for (int node = 0; numa.nodes() > 1 && node < numa.nodes(); ++node) {
    nodes.push_back(
        {.node = node, .total = numa.total(node), .free = numa.free(node), .low = numa.low(node)});
  }
  return HostFacts{.free = xen.free(),
                   .claimed = xen.claimed(),
                   .scrubbing = xen.scrubbing(),
                   .total = xen.total(),
                   .numa_nodes = world_.spec().numa_nodes,
                   .nodes = std::move(nodes),
                   .xen_major = world_.spec().xen_major,
                   .xen_minor = world_.spec().xen_minor};
}

Result<HostSettings> SimHypervisor::host_settings() {
  const WorldSpec& spec = world_.spec();
  std::vector<std::string> managers;
  if (spec.qmemman) managers.emplace_back("qmemman");
  if (spec.squeezed) managers.emplace_back("squeezed");
  return HostSettings{.autoballoon = spec.autoballoon,
                      .dom0_memory_is_fixed = spec.dom0_memory_is_fixed,
                      .memory_managers = std::move(managers),
                      .store = StoreProgram::xenstored};
}

boost::asio::awaitable<void> SimHypervisor::libxl_call(DomainId domain) {
  VirtualClock& clock = world_.clock();
  Wakeup nobody;
  if (world_.spec().libxl_call > Duration{}) {
    co_await clock.wait(nobody, clock.now() + world_.spec().libxl_call);
  }
  while (true) {
    const ToolstackRecord* record = world_.toolstack().find(domain);
    if (record == nullptr || record->locked_until <= clock.now()) co_return;
    co_await clock.wait(nobody, record->locked_until);
  }
}

Task<std::vector<DomainIdentity>> SimHypervisor::domains() {
  std::vector<DomainIdentity> found;
  for (const auto& [id, record] : world_.toolstack().records()) found.push_back(record.identity);
  co_return found;
}

Task<DomainFacts> SimHypervisor::domain_facts(DomainId domain) {
  co_await libxl_call(domain);
  const XenDomain* xen = world_.xen().find(domain);
  const ToolstackRecord* record = world_.toolstack().find(domain);
  if (xen == nullptr || record == nullptr) co_return no_domain(domain);
  const ToolstackModel& toolstack = world_.toolstack();
  DomainFacts facts{.identity = record->identity,
                    .memory = memory_of(*xen),
                    .vcpus = record->vcpus,
                    .target = toolstack.memory_key(domain, "target"),
                    .limit = toolstack.memory_key(domain, "static-max"),
                    .video_ram = toolstack.memory_key(domain, "videoram").value_or(Kib{}),
                    .has_stored_configuration = record->has_stored_configuration,
                    .passthrough_devices = record->passthrough_devices,
                    .emulated_dma_devices = record->emulated_dma_devices,
                    .managed_by_libvirt = record->managed_by_libvirt,
                    .reported_started = toolstack.guest_started(domain)};
  if (const int nodes = world_.spec().numa_nodes; nodes > 1) {
    facts.node_affinity = xen->nodes;
    for (int node = 0; xen->nodes.empty() && node < nodes; ++node) {
      facts.node_affinity->push_back(node);
    }
  }
  if (record->has_stored_configuration) {
    facts.in_shim = record->in_shim;
    facts.boot_limit = record->boot_limit;
    facts.boot_size = record->boot_size;
    facts.frozen_pool = record->frozen_pool;
  }
  if (xen->type != DomainType::pv) {
    facts.pool = to_kib(xen->pool.total);
    facts.hap = record->hap;
    facts.pod_entries = xen->pod_entries;
  }
  co_return facts;
}

Result<std::string> SimHypervisor::uuid(DomainId domain) {
  const ToolstackRecord* record = world_.toolstack().find(domain);
  if (record == nullptr) return no_domain(domain);
  return record->identity.uuid;
}

Result<DomainMemory> SimHypervisor::domain_memory(DomainId domain) {
  const XenDomain* xen = world_.xen().find(domain);
  if (xen == nullptr) return no_domain(domain);
  return memory_of(*xen);
}

Task<void> SimHypervisor::set_limit(DomainId domain, Kib limit) {
  BOOST_OUTCOME_CO_TRYV(require_size(limit));
  co_await libxl_call(domain);
  co_return world_.toolstack().set_limit(domain, limit);
}

Task<void> SimHypervisor::set_size(DomainId domain, Kib size) {
  BOOST_OUTCOME_CO_TRYV(require_size(size));
  co_await libxl_call(domain);
  co_return world_.toolstack().set_size(domain, size);
}

Result<void> SimHypervisor::set_max_pages(DomainId domain, Kib size) {
  BOOST_OUTCOME_TRYV(require_size(size));
  XenDomain* xen = world_.xen().find(domain);
  if (xen == nullptr) return no_domain(domain);
  xen->max_pages = to_pages(size);
  return success();
}

Result<void> SimHypervisor::claim(DomainId domain, Pages total) {
  BOOST_OUTCOME_TRYV(require_size(to_kib(total)));
  XenDomain* xen = world_.xen().find(domain);
  if (xen == nullptr) return no_domain(domain);
  const Errno code = world_.xen().claim(*xen, total);
  if (code == 0) return success();
  const Cause cause = code == ENOMEM ? Cause::host_memory : Cause::hypervisor_error;
  return refused(cause, "claim", domain, code);
}

Result<void> SimHypervisor::release_claim(DomainId domain) {
  XenDomain* xen = world_.xen().find(domain);
  if (xen == nullptr) return no_domain(domain);
  static_cast<void>(world_.xen().claim(*xen, Pages{}));
  return success();
}

Result<void> SimHypervisor::set_pool(DomainId domain, Kib pool) {
  BOOST_OUTCOME_TRYV(require_size(pool));
  XenDomain* xen = world_.xen().find(domain);
  if (xen == nullptr) return no_domain(domain);
  const Pages earlier = xen->pool.total;
  const Pages wanted = to_pages(round_up(pool, kib_per_page));
  const Errno code = world_.xen().set_pool(*xen, wanted);
  if (code == 0) return success();
  if (code != ENOMEM) return refused(Cause::xen_unsupported, "paging pool", domain, code);
  // The real host restores the pool too, because Xen keeps the part that it did before it stopped.
  static_cast<void>(world_.xen().set_pool(*xen, earlier));
  return refused(Cause::paging_pool, "paging pool", domain, code);
}

Task<std::optional<Kib>> SimHypervisor::set_frozen_pool(DomainId domain, std::optional<Kib> from,
                                                        std::optional<Kib> to) {
  BOOST_OUTCOME_CO_TRYV(require_size(to.value_or(kib_per_page)));
  co_await libxl_call(domain);
  co_return world_.toolstack().set_frozen_pool(domain, from, to);
}

Result<bool> SimHypervisor::save_in_progress(DomainId domain, Duration oldest) {
  const TimePoint now = world_.clock().now();
  if (const auto known = saves_.include(domain, now - oldest)) return *known;
  if (world_.toolstack().find(domain) == nullptr) return no_domain(domain);
  BOOST_OUTCOME_TRYV(saves_.look(now));
  return saves_.include(domain, TimePoint::min()).value();
}

}  // namespace memctl::host::sim
