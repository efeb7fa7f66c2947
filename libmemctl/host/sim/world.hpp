// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "host/sim/clock.hpp"
#include "host/sim/guest_agent.hpp"
#include "host/sim/guest_time.hpp"
#include "host/sim/linux_guest.hpp"
#include "host/sim/store_model.hpp"
#include "host/sim/toolstack_model.hpp"
#include "host/sim/xen_model.hpp"

namespace memctl::host::sim {

struct WorldSpec {
  Kib host{64_GiB};  ///< The memory for guests and their paging pools.
  Kib dom0{1_GiB};   ///< Xen's and dom0's memory. Only the host's total counts it.
  int xen_major{4};
  int xen_minor{17};  ///< From 22 on, claims are counted as in Xen 4.22.
  int numa_nodes{1};  ///< They share `host` in equal parts.
  std::uint64_t seed{1};
  Duration libxl_call{std::chrono::milliseconds{1}};  ///< The time that a call of libxl takes.
  std::optional<Autoballoon> autoballoon{Autoballoon::off};
  bool dom0_memory_is_fixed{true};  ///< dom0_mem on Xen's command line.
  bool qmemman{false};              ///< Whether it runs in dom0. It does nothing here.
  bool squeezed{false};             ///< The same.
};

/// The pages for firmware and Xen itself that libxl adds when it builds a domain (measured).
constexpr Kib special_pages(DomainType type) { return type == DomainType::pvh ? 64_KiB : Kib{}; }

struct GuestSpec {
  std::string name{"guest"};
  DomainType type{DomainType::pvh};
  Kib memory{160_MiB};
  /// The boot limit. Nothing: `memory`. If it is above `memory`, pvh and hvm guests start with
  /// populate on demand.
  std::optional<Kib> maxmem{};
  int vcpus{1};
  Kib video_ram{};            ///< hvm: part of `memory`.
  std::optional<Kib> pool{};  ///< Nothing: libxl's formula gives it.
  bool freeze_pool{false};    ///< As with autoballoon=1: the stored configuration fixes the pool.
  bool hap{true};
  bool has_stored_configuration{true};
  bool in_shim{false};  ///< pvh: a pv guest inside Xen's shim. Only the facts tell.
  int passthrough_devices{0};
  bool emulated_dma_devices{false};
  bool managed_by_libvirt{false};
  /// The number of the guest whose device model it runs. Zero: it is a guest itself.
  int device_model_of{0};
  std::vector<int> numa_nodes{};  ///< Its node affinity. Empty: all nodes.
  std::string journal{};  ///< The value of its /libxl/N/memctl. Empty: there is no such node.
  LinuxSpec linux{};
  AgentSpec agent{};
  /// True: the guest is up, and its agent has announced itself, when `add_guest` returns. False:
  /// the guest boots in virtual time.
  bool booted{true};
};

/// One guest of a world, to look at and to disturb. It can still be looked at after its domain has
/// ended.
class Guest {
 public:
  Guest(VirtualClock& clock, XenModel& xen, StoreModel& store, GuestSpec spec, std::uint64_t seed);

  [[nodiscard]] DomainId id() const { return id_; }
  [[nodiscard]] const GuestSpec& spec() const { return spec_; }
  /// Whether the guest runs, and its kernel has neither panicked nor hit a BUG.
  [[nodiscard]] bool alive() const;
  [[nodiscard]] LinuxGuest& kernel() { return kernel_; }
  [[nodiscard]] const LinuxGuest& kernel() const { return kernel_; }
  [[nodiscard]] GuestAgent& agent() { return agent_; }
  /// From now until `thaw` nothing happens in the guest, as if its kernel left no time for anything
  /// else. Its domain runs.
  void freeze() { time_.pause(); }
  void thaw() { time_.resume(); }
  /// The guest's MemTotal.
  [[nodiscard]] Kib mem_total() const { return kernel_.memory().total(); }

 private:
  friend class World;
  GuestSpec spec_;
  DomainId id_{};
  bool gone_{false};
  GuestTime time_;
  LinuxGuest kernel_;
  GuestAgent agent_;
  GuestTimer boot_;
};

/// A simulated host with its guests: Xen, xenstored, libxl, and a Linux with an agent in each
/// guest, in one virtual time. The same specification and the same calls give the same run.
///
/// The methods act at once, as other tools on the host would. An operation uses the world through
/// `SimPort`. Not thread-safe.
class World {
 public:
  explicit World(WorldSpec spec = {});
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  /// Errors: `host_memory` if the host has too little.
  [[nodiscard]] Result<DomainId> try_add_guest(GuestSpec spec);
  /// Throws if the guest does not fit into the host's memory.
  DomainId add_guest(GuestSpec spec) { return try_add_guest(std::move(spec)).value(); }

  /// The guest that has or had this number. Throws std::out_of_range if no guest ever had it.
  [[nodiscard]] Guest& guest(DomainId id) { return *guests_.at(id); }
  /// The running guest with this name. Throws std::out_of_range if there is none.
  [[nodiscard]] Guest& guest(const std::string& name);
  [[nodiscard]] std::vector<DomainId> running() const;

  // What Xen and xenstore say about a domain. Zero or nothing: the domain is gone.
  [[nodiscard]] Kib allocated(DomainId id);
  /// `allocated` without the pages for firmware and Xen that a domain has from its beginning.
  [[nodiscard]] Kib populated(DomainId id) {
    return allocated(id) - special_pages(guest(id).spec().type);
  }
  [[nodiscard]] Kib max_pages(DomainId id);
  [[nodiscard]] Kib pool(DomainId id);
  [[nodiscard]] std::optional<Kib> target(DomainId id) const;
  [[nodiscard]] std::optional<Kib> limit(DomainId id) const;
  [[nodiscard]] Kib host_free() const { return to_kib(xen_.free()); }
  [[nodiscard]] Kib host_claimed() const { return to_kib(xen_.claimed()); }

  [[nodiscard]] VirtualClock& clock() { return clock_; }
  [[nodiscard]] XenModel& xen() { return xen_; }
  [[nodiscard]] StoreModel& store() { return *store_; }
  [[nodiscard]] const std::shared_ptr<StoreModel>& shared_store() { return store_; }
  [[nodiscard]] ToolstackModel& toolstack() { return toolstack_; }
  [[nodiscard]] const WorldSpec& spec() const { return spec_; }

  /// Lets virtual time pass, and runs the events in it.
  void advance(Duration duration) { clock_.advance(duration); }
  /// Runs `action` after `delay`.
  void after(Duration delay, VirtualClock::Action action) {
    clock_.post(clock_.now() + delay, std::move(action));
  }

  // What other tools on the host do.
  /// `xl mem-max` and `xl mem-set`.
  Result<void> mem_max(DomainId id, Kib limit) { return toolstack_.set_limit(id, limit); }
  Result<void> mem_set(DomainId id, Kib size) { return toolstack_.set_size(id, size); }
  /// Writes to xenstore without libxl, or to Xen without both (xc_domain_setmaxmem).
  Result<void> write_target(DomainId id, Kib target) { return write_key(id, "target", target); }
  Result<void> write_limit(DomainId id, Kib limit) { return write_key(id, "static-max", limit); }
  void set_max_pages(DomainId id, Kib size) { xen_.find(id)->max_pages = to_pages(size); }
  /// Calls xc_set_paging_mempool_size.
  Errno set_pool(DomainId id, Kib pool) { return xen_.set_pool(*xen_.find(id), to_pages(pool)); }
  /// Another user of host memory takes up to `amount`, or gives it back (negative). Returns what it
  /// took.
  Kib take_host_memory(Kib amount) { return to_kib(xen_.take_from_host(to_pages(amount))); }
  /// Another toolstack claims memory for a domain.
  Errno claim(DomainId id, Kib total) { return xen_.claim(*xen_.find(id), to_pages(total)); }

  // What happens to guests.
  void destroy(DomainId id);
  /// Destroys a domain as libxl does: the domain stops and its nodes go, and Xen ends it after
  /// `time`.
  void destroy_slowly(DomainId id, Duration time);
  /// The guest shuts itself down. Its domain stays until `destroy`.
  void shut_down(DomainId id, ShutdownReason reason);
  void crash(DomainId id) { shut_down(id, ShutdownReason::crash); }
  void pause(DomainId id);
  void unpause(DomainId id);
  /// `suspend` does what a save does first. `resume` does what a failed save and `xl save -c` do.
  void suspend(DomainId id);
  void resume(DomainId id);
  /// Reboots the guest as xl does: a new domain with the same size and limit begins to boot.
  /// Errors: `host_memory` if the host has too little for the new domain; then the guest is gone.
  Result<DomainId> try_reboot(DomainId id);
  /// Throws if the new domain does not fit into the host's memory.
  DomainId reboot(DomainId id) { return try_reboot(id).value(); }
  /// Saves the guest and restores it at once with a new number. Errors: `hypervisor_error` if the
  /// restore fails; then the guest is lost.
  Result<DomainId> save_and_restore(DomainId id);
  void set_save_in_progress(DomainId id, bool saving);
  /// Another tool holds libxl's lock of the domain for `duration` from now.
  void hold_libxl_lock(DomainId id, Duration duration);

  // Processes that use the host, as journals name them.
  [[nodiscard]] std::string add_process();
  void end_process(const std::string& process) { processes_.erase(process); }
  [[nodiscard]] bool is_process(const std::string& process) const {
    return processes_.contains(process);
  }

 private:
  Result<void> write_key(DomainId id, const std::string& key, Kib value);
  void boot(Guest& guest);
  Result<void> build(Guest& guest, Kib populated, Kib limit, Kib pool, bool superpages);

  WorldSpec spec_;
  VirtualClock clock_{};
  XenModel xen_;
  std::shared_ptr<StoreModel> store_{std::make_shared<StoreModel>()};
  ToolstackModel toolstack_{xen_, *store_};
  std::mt19937_64 random_;
  std::map<DomainId, std::shared_ptr<Guest>> guests_{};
  std::set<std::string> processes_{};
  std::uint32_t last_domain_{0};
  int last_process_{0};
};

}  // namespace memctl::host::sim
