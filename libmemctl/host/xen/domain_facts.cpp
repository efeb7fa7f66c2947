// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "host/xen/errors.hpp"
#include "host/xen/host_settings.hpp"
#include "host/xen/hypervisor.hpp"
#include "host/xen/numa.hpp"
#include "host/xen/userdata.hpp"

namespace memctl::host::xen {
namespace {

std::string node(const char* directory, DomainId domain, std::string_view key) {
  return directory + std::to_string(number(domain)) + "/" + std::string{key};
}

/// Nothing: there is no number, or no number alone.
std::optional<std::uint64_t> number_in(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  std::uint64_t value = 0;
  const char* end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, value);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

std::string uuid_text(const xen_domain_handle_t& handle) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < sizeof handle; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += digits[handle[i] >> 4];
    text += digits[handle[i] & 0xf];
  }
  return text;
}

bool is_guest(const xc_domaininfo_t& info) {
  constexpr std::uint32_t none = XEN_DOMINF_dying | XEN_DOMINF_xs_domain;
  return info.domain != 0 && (info.flags & none) == 0;
}

/// By both signs that libvirt's driver leaves: its own file, and the description that it has libxl
/// store (libxlDomainStart in libvirt's libxl_domain.c).
std::optional<bool> is_managed_by_libvirt(const DomainIdentity& domain) {
  const auto own = xen::is_managed_by_libvirt(domain.name, domain.uuid);
  const auto stored = Userdata{domain.id, domain.uuid}.has("libvirt-xml");
  if (own == true || stored == true) return true;
  return own && stored ? std::optional{false} : std::nullopt;
}

}  // namespace

/// Xen knows which domains are pv. Only libxl's own node in xenstore tells pvh from hvm: libxl's
/// public calls say hvm for both. Like libxl, this takes a domain without that node for hvm.
Result<DomainIdentity> XenHypervisor::identity(const xc_domaininfo_t& info) {
  const DomainId id{info.domain};
  DomainIdentity identity{.id = id, .uuid = uuid_text(info.handle)};
  BOOST_OUTCOME_TRY(const auto found, store_.read(node("/local/domain/", id, "name")));
  identity.name = found.value_or("");
  // libxl writes the number of the guest here for the stub domain of its device model, and reads it
  // to tell such a domain (libxl_is_stubdom). A domain cannot write it for itself.
  BOOST_OUTCOME_TRY(const auto target, store_.read(node("/local/domain/", id, "target")));
  const auto guest = number_in(target);
  if (guest && *guest < DOMID_FIRST_RESERVED) {
    identity.device_model_of = DomainId{static_cast<std::uint32_t>(*guest)};
  }
  if ((info.flags & XEN_DOMINF_hvm_guest) != 0) {
    BOOST_OUTCOME_TRY(const auto type, store_.read(node("/libxl/", id, "type")));
    identity.type = type == "pvh" ? DomainType::pvh : DomainType::hvm;
  }
  return identity;
}

Task<std::vector<DomainIdentity>> XenHypervisor::domains() {
  BOOST_OUTCOME_CO_TRY(const auto all, control_.domains());
  std::vector<DomainIdentity> guests;
  for (const auto& info : all) {
    if (!is_guest(info)) continue;
    BOOST_OUTCOME_CO_TRY(auto guest, identity(info));
    guests.push_back(std::move(guest));
  }
  co_return guests;
}

Task<DomainFacts> XenHypervisor::domain_facts(DomainId domain) {
  BOOST_OUTCOME_CO_TRYV(control_.domain(domain));
  // First the call that waits for libxl's lock, so that the other figures are as fresh as possible.
  BOOST_OUTCOME_CO_TRY(
      const auto known_to_libxl,
      co_await with_libxl(domain, [domain](LibxlContext& libxl) { return libxl.facts(domain); }));
  BOOST_OUTCOME_CO_TRY(auto facts, immediate_facts(domain));
  facts.has_stored_configuration = known_to_libxl.has_stored_configuration;
  facts.boot_limit = known_to_libxl.boot_limit;
  facts.boot_size = known_to_libxl.boot_size;
  facts.frozen_pool = known_to_libxl.frozen_pool;
  facts.in_shim = known_to_libxl.in_shim;
  facts.emulated_dma_devices = known_to_libxl.emulated_dma_devices;
  if (facts.identity.type != DomainType::hvm) facts.emulated_dma_devices = false;
  facts.passthrough_devices = known_to_libxl.passthrough_devices;
  facts.managed_by_libvirt = is_managed_by_libvirt(facts.identity);
  co_return facts;
}

Result<std::string> XenHypervisor::uuid(DomainId domain) {
  BOOST_OUTCOME_TRY(const auto info, control_.domain(domain));
  return uuid_text(info.handle);
}

Result<DomainFacts> XenHypervisor::immediate_facts(DomainId domain) {
  BOOST_OUTCOME_TRY(const auto info, control_.domain(domain));
  DomainFacts facts{};
  BOOST_OUTCOME_TRY(facts.identity, identity(info));
  facts.memory = memory_of(info);
  // libxl makes all vcpus when it builds a domain, so the highest vcpu number tells how many the
  // domain can have.
  facts.vcpus = info.max_vcpu_id == XEN_INVALID_MAX_VCPU_ID
                    ? 1
                    : static_cast<int>(std::min(info.max_vcpu_id, 65535U)) + 1;
  BOOST_OUTCOME_TRY(facts.target, stored_kib(domain, "memory/target"));
  BOOST_OUTCOME_TRY(facts.limit, stored_kib(domain, "memory/static-max"));
  BOOST_OUTCOME_TRY(const auto video_ram, stored_kib(domain, "memory/videoram"));
  facts.video_ram = video_ram.value_or(Kib{0});
  BOOST_OUTCOME_TRY(const auto started,
                    store_.read(node("/local/domain/", domain, "control/feature-poweroff")));
  facts.reported_started = started == "1";
  BOOST_OUTCOME_TRY(facts.node_affinity, node_affinity(control_, domain));
  if (facts.identity.type != DomainType::pv) {
    facts.hap = (info.flags & XEN_DOMINF_hap) != 0;
    BOOST_OUTCOME_TRY(facts.pool, pool_of(domain));
    BOOST_OUTCOME_TRY(facts.pod_entries, pod_entries(domain));
  }
  return facts;
}

/// A key below /local/domain/<id> that only dom0 writes. Nothing: there is none, or it is not a
/// number.
Result<std::optional<Kib>> XenHypervisor::stored_kib(DomainId domain, std::string_view key) {
  BOOST_OUTCOME_TRY(const auto text, store_.read(node("/local/domain/", domain, key)));
  const auto kib = number_in(text);
  return kib ? std::optional{saturated_kib(*kib)} : std::nullopt;
}

Result<std::optional<Kib>> XenHypervisor::pool_of(DomainId domain) {
  std::uint64_t bytes = 0;
  if (xc_get_paging_mempool_size(control_.get(), number(domain), &bytes) == 0) {
    return saturated_kib(bytes / 1024);
  }
  Error error = control_.failed("read the paging pool of the domain");
  if (error.raw == EOPNOTSUPP || error.raw == ENOSYS) return std::nullopt;
  return error;
}

/// The populate-on-demand entries that the domain's cache does not back. Only these entries need
/// host memory. After a guest has booted, entries and cache are equal, and stay equal while the
/// guest does not touch the rest (measured: 20260 and 20260 in a guest with memory=160 maxmem=512).
Result<std::optional<Pages>> XenHypervisor::pod_entries(DomainId domain) {
  std::uint64_t total = 0;
  std::uint64_t cache = 0;
  std::uint64_t entries = 0;
  if (xc_domain_get_pod_target(control_.get(), number(domain), &total, &cache, &entries) == 0) {
    return to_pages(saturated_kib_of_pages(entries - std::min(cache, entries)));
  }
  Error error = control_.failed("read the populate-on-demand entries of the domain");
  if (error.cause == Cause::no_such_domain) return error;
  return std::nullopt;
}

}  // namespace memctl::host::xen
