// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/sim/toolstack_model.hpp"

#include <array>

namespace memctl::host::sim {
namespace {

// libxl_error.h
constexpr int error_fail = -3;
constexpr int error_invalid = -6;
constexpr int error_json_config_empty = -16;

constexpr Kib maxmem_constant = 1_MiB;  // LIBXL_MAXMEM_CONSTANT

Error libxl_error(DomainId domain, const std::string& call, int code, const std::string& line) {
  return {.cause = Cause::hypervisor_error,
          .message = call + " of domain " + std::to_string(number(domain)) + " failed: " + line,
          .raw = code,
          .log = {"Domain " + std::to_string(number(domain)) + ":" + line}};
}

}  // namespace

Error no_domain(DomainId domain) {
  return {.cause = Cause::no_such_domain, .message = "no domain " + std::to_string(number(domain))};
}

std::string domain_path(DomainId domain) {
  return "/local/domain/" + std::to_string(number(domain));
}

std::vector<DomainId> ToolstackModel::look_for_saves() {
  ++save_looks_;
  return {saved_.begin(), saved_.end()};
}

void ToolstackModel::set_being_saved(DomainId domain, bool saved) {
  if (!saved || !records_.contains(domain)) {
    saved_.erase(domain);
  } else {
    saved_.insert(domain);
  }
}

ToolstackRecord* ToolstackModel::find(DomainId domain) {
  const auto found = records_.find(domain);
  return found == records_.end() ? nullptr : &found->second;
}

void ToolstackModel::add(ToolstackRecord record) {
  const DomainId id = record.identity.id;
  records_.insert_or_assign(id, std::move(record));
}

std::optional<Kib> ToolstackModel::memory_key(DomainId domain, const std::string& key) const {
  return store_.read_kib(dom0, domain_path(domain) + "/memory/" + key);
}

bool ToolstackModel::guest_started(DomainId domain) const {
  const auto announced = store_.read(dom0, domain_path(domain) + "/control/feature-poweroff");
  return announced && announced.value() == "1";
}

Result<void> ToolstackModel::set_limit(DomainId domain, Kib limit) {
  static const std::string call = "libxl_domain_setmaxmem";
  XenDomain* xen = xen_.find(domain);
  const ToolstackRecord* record = find(domain);
  if (xen == nullptr || record == nullptr) return no_domain(domain);
  if (!record->has_stored_configuration) {
    return libxl_error(domain, call, error_json_config_empty, "no stored configuration");
  }
  const auto target = memory_key(domain, "target");
  if (!target) return libxl_error(domain, call, 1, "unable to get memory info from xenstore");
  if (limit < *target) {
    return libxl_error(domain, call, 1,
                       "memory_static_max must be greater than or or equal to memory_dynamic_max");
  }
  xen->max_pages = to_pages(limit + maxmem_constant);
  return store_.write(dom0, domain_path(domain) + "/memory/static-max",
                      std::to_string(limit.count()));
}

Result<void> ToolstackModel::set_size(DomainId domain, Kib size) {
  static const std::string call = "libxl_set_memory_target";
  XenDomain* xen = xen_.find(domain);
  const ToolstackRecord* record = find(domain);
  if (xen == nullptr || record == nullptr) return no_domain(domain);
  if (!record->has_stored_configuration) {
    return libxl_error(domain, call, error_json_config_empty, "no stored configuration");
  }
  const auto limit = memory_key(domain, "static-max");
  if (!memory_key(domain, "target") || !limit) {
    return libxl_error(domain, call, error_fail, "cannot get target memory info");
  }
  const Kib video_ram = memory_key(domain, "videoram").value_or(Kib{});
  const Kib target = size - video_ram;
  if (target > *limit) {
    return libxl_error(domain, call, error_invalid,
                       "memory_dynamic_max must be less than or equal to memory_static_max");
  }
  if (target < Kib{}) return libxl_error(domain, call, error_invalid, "invalid memory target");

  xen->max_pages = to_pages(target + video_ram + maxmem_constant);
  if (xen_.set_pod_target(*xen, to_pages(target + maxmem_constant)) != 0) {
    return libxl_error(domain, call, error_fail, "xc_domain_set_pod_target failed");
  }
  const std::string vm = "/vm/" + record->identity.uuid + "/memory";
  BOOST_OUTCOME_TRY(store_.write(dom0, vm, std::to_string(target.count() / 1024)));
  return store_.write(dom0, domain_path(domain) + "/memory/target", std::to_string(target.count()));
}

Result<std::optional<Kib>> ToolstackModel::set_frozen_pool(DomainId domain, std::optional<Kib> from,
                                                           std::optional<Kib> to) {
  ToolstackRecord* record = find(domain);
  if (record == nullptr) return no_domain(domain);
  if (!record->has_stored_configuration || record->identity.type == DomainType::pv) {
    return Error{.cause = Cause::xen_unsupported,
                 .message = "domain " + std::to_string(number(domain)) +
                            " has no stored configuration with a paging pool"};
  }
  if (record->frozen_pool == from) record->frozen_pool = to;
  return record->frozen_pool;
}

void ToolstackModel::write_domain(const ToolstackRecord& record, Kib target, Kib limit,
                                  Kib video_ram) {
  const DomainId id = record.identity.id;
  const std::string home = domain_path(id);
  const auto put = [&](const std::string& path, const std::string& value) {
    store_.write(dom0, path, value).value();
  };
  const auto permit = [&](const std::string& path, const std::vector<Permission>& permissions) {
    store_.set_permissions(dom0, path, permissions).value();
  };
  store_.introduce(id);
  put(home, "");
  permit(home, {{.domain = dom0}, {.domain = id, .read = true}});
  put(home + "/vm", "/vm/" + record.identity.uuid);
  put(home + "/name", record.identity.name);
  put(home + "/domid", std::to_string(number(id)));
  put(home + "/memory/static-max", std::to_string(limit.count()));
  put(home + "/memory/videoram", std::to_string(video_ram.count()));
  put(home + "/control", "");
  for (const char* node : {"/data", "/device", "/drivers", "/attr", "/error", "/feature",
                           "/control/shutdown", "/control/feature-poweroff"}) {
    put(home + node, "");
    permit(home + node, {{.domain = id}});
  }
  const std::string libxl = "/libxl/" + std::to_string(number(id));
  put(libxl + "/type", std::string{name(record.identity.type)});
  put("/vm/" + record.identity.uuid + "/name", record.identity.name);
  put(home + "/memory/target", std::to_string(target.count()));
}

void ToolstackModel::remove_domain(const ToolstackRecord& record) {
  const DomainId id = record.identity.id;
  store_.remove(dom0, domain_path(id)).value();
  store_.remove(dom0, "/libxl/" + std::to_string(number(id))).value();
  store_.remove(dom0, "/vm/" + record.identity.uuid).value();
  store_.release(id);
}

}  // namespace memctl::host::sim
