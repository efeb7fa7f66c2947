// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "host/sim/clock.hpp"
#include "host/sim/store_model.hpp"
#include "host/sim/xen_model.hpp"

namespace memctl::host::sim {

/// What libxl stores about a domain outside of xenstore.
struct ToolstackRecord {
  DomainIdentity identity{};
  int vcpus{1};
  bool hap{true};
  bool has_stored_configuration{true};
  bool in_shim{false};               ///< b_info.u.pvh.pvshim
  Kib boot_limit{};                  ///< b_info.max_memkb
  Kib boot_size{};                   ///< b_info.target_memkb
  std::optional<Kib> frozen_pool{};  ///< b_info.shadow_memkb
  int passthrough_devices{0};
  bool emulated_dma_devices{false};
  bool managed_by_libvirt{false};
  TimePoint locked_until{};  ///< Until then another tool holds libxl's lock of the domain.
};

/// libxl's memory calls with their quirks (XEN-FACTS section 4). `xl` only calls them.
class ToolstackModel {
 public:
  ToolstackModel(XenModel& xen, StoreModel& store) : xen_{xen}, store_{store} {}

  /// libxl_domain_setmaxmem, which `xl mem-max` calls.
  [[nodiscard]] Result<void> set_limit(DomainId domain, Kib limit);
  /// libxl_set_memory_target, absolute, which `xl mem-set` calls.
  [[nodiscard]] Result<void> set_size(DomainId domain, Kib size);

  /// Replaces the frozen pool of the stored configuration if it is `from`. Returns what it is then.
  /// `xl` has no such command; it stands for read, change and store under libxl's lock.
  [[nodiscard]] Result<std::optional<Kib>> set_frozen_pool(DomainId domain, std::optional<Kib> from,
                                                           std::optional<Kib> to);

  void add(ToolstackRecord record);
  void remove(DomainId domain) {
    records_.erase(domain);
    saved_.erase(domain);
  }
  [[nodiscard]] ToolstackRecord* find(DomainId domain);
  [[nodiscard]] const std::map<DomainId, ToolstackRecord>& records() const { return records_; }
  /// A save of a domain that there is begins or ends.
  void set_being_saved(DomainId domain, bool saved);
  [[nodiscard]] bool is_being_saved(DomainId domain) const { return saved_.contains(domain); }
  /// The domains that are being saved, as a look through dom0's processes finds them.
  [[nodiscard]] std::vector<DomainId> look_for_saves();
  /// How many looks there were.
  [[nodiscard]] int save_looks() const { return save_looks_; }

  /// The value of one of memory/{target,static-max,videoram}.
  /// Whether the guest's kernel has set control/feature-poweroff.
  [[nodiscard]] bool guest_started(DomainId domain) const;
  [[nodiscard]] std::optional<Kib> memory_key(DomainId domain, const std::string& key) const;

  /// Writes the nodes of a new domain as libxl does.
  void write_domain(const ToolstackRecord& record, Kib target, Kib limit, Kib video_ram);
  void remove_domain(const ToolstackRecord& record);

 private:
  XenModel& xen_;
  StoreModel& store_;
  std::map<DomainId, ToolstackRecord> records_{};
  std::set<DomainId> saved_{};
  int save_looks_{0};
};

/// The error of every call that names a domain that does not exist.
[[nodiscard]] Error no_domain(DomainId domain);
/// "/local/domain/N"
[[nodiscard]] std::string domain_path(DomainId domain);

}  // namespace memctl::host::sim
