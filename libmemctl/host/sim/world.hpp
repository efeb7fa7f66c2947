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
  Kib host{64_GiB};  ///< All that guests and their paging pools can have.
  Kib dom0{1_GiB};   ///< Xen's own and dom0's, on top: part of the host's total.
  int xen_major{4};
  int xen_minor{17};  ///< From 22 on, claims are counted as Xen does there.
  int numa_nodes{1};
  std::uint64_t seed{1};
  Duration libxl_call{std::chrono::milliseconds{1}};  ///< What a call of libxl takes.
  std::optional<Autoballoon> autoballoon{Autoballoon::off};
  bool dom0_memory_is_fixed{true};  ///< dom0_mem on Xen's command line.
};

/// What libxl's build adds to the page count of a domain for its firmware and Xen's own (measured).
constexpr Kib special_pages(DomainType type) { return type == DomainType::pvh ? 64_KiB : Kib{}; }

struct GuestSpec {
  std::string name{"guest"};
  DomainType type{DomainType::pvh};
  Kib memory{160_MiB};
  std::optional<Kib> maxmem{};  ///< The boot limit; nothing: `memory`. More: PoD on pvh and hvm.
  int vcpus{1};
  Kib video_ram{};            ///< hvm; part of `memory`.
  std::optional<Kib> pool{};  ///< Nothing: libxl's formula.
  bool freeze_pool{false};    ///< autoballoon=1: the stored configuration keeps the pool.
  bool hap{true};
  bool has_stored_configuration{true};
  int passthrough_devices{0};
  bool emulated_dma_devices{false};
  bool managed_by_libvirt{false};
  std::string journal{};  ///< What stands in its /libxl/N/memctl; empty: nothing does.
  LinuxSpec linux{};
  AgentSpec agent{};
  /// The guest is up and its agent has announced itself when `add_guest` returns. Without, it
  /// boots in virtual time.
  bool booted{true};
};

/// One guest of a world, to look into and to trouble. It can be looked at after its domain's end.
class Guest {
 public:
  Guest(VirtualClock& clock, XenModel& xen, StoreModel& store, GuestSpec spec, std::uint64_t seed);

  [[nodiscard]] DomainId id() const { return id_; }
  [[nodiscard]] const GuestSpec& spec() const { return spec_; }
  /// It runs, and its kernel has neither panicked nor hit a BUG.
  [[nodiscard]] bool alive() const;
  [[nodiscard]] LinuxGuest& kernel() { return kernel_; }
  [[nodiscard]] const LinuxGuest& kernel() const { return kernel_; }
  [[nodiscard]] GuestAgent& agent() { return agent_; }
  /// MemTotal, as seen from within.
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
/// guest, in one virtual time. Deterministic by its specification and what is done to it.
///
/// Everything here acts at once, as somebody else on the host; what an operation may do goes
/// through `SimPort`. Not thread-safe.
class World {
 public:
  explicit World(WorldSpec spec = {});
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  /// Errors: `host_memory`, where the host has not that much.
  [[nodiscard]] Result<DomainId> try_add_guest(GuestSpec spec);
  /// For worlds where it must fit; throws otherwise.
  DomainId add_guest(GuestSpec spec) { return try_add_guest(std::move(spec)).value(); }

  /// The guest that has or had this number; throws std::out_of_range where there never was one.
  [[nodiscard]] Guest& guest(DomainId id) { return *guests_.at(id); }
  /// The running guest of that name; throws likewise.
  [[nodiscard]] Guest& guest(const std::string& name);
  [[nodiscard]] std::vector<DomainId> running() const;

  // What Xen and xenstore say of a domain; zero or nothing where it is gone.
  [[nodiscard]] Kib allocated(DomainId id);
  /// The same without the pages of firmware and Xen that a domain has from its beginning.
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

  /// Lets virtual time pass, with all that falls into it.
  void advance(Duration duration) { clock_.advance(duration); }
  /// Does something later; `delay` from now.
  void after(Duration delay, VirtualClock::Action action) {
    clock_.post(clock_.now() + delay, std::move(action));
  }

  // Others on the host.
  /// `xl mem-max` and `xl mem-set`.
  Result<void> mem_max(DomainId id, Kib limit) { return toolstack_.set_limit(id, limit); }
  Result<void> mem_set(DomainId id, Kib size) { return toolstack_.set_size(id, size); }
  /// Writes to xenstore past libxl, and to Xen past both (xc_domain_setmaxmem).
  Result<void> write_target(DomainId id, Kib target) { return write_key(id, "target", target); }
  Result<void> write_limit(DomainId id, Kib limit) { return write_key(id, "static-max", limit); }
  void set_max_pages(DomainId id, Kib size) { xen_.find(id)->max_pages = to_pages(size); }
  /// xc_set_paging_mempool_size by hand.
  Errno set_pool(DomainId id, Kib pool) { return xen_.set_pool(*xen_.find(id), to_pages(pool)); }
  /// Something else takes host memory for good, or gives it back (negative); what it got.
  Kib take_host_memory(Kib amount) { return to_kib(xen_.take_from_host(to_pages(amount))); }
  /// A claim in the name of a domain by another toolstack.
  Errno claim(DomainId id, Kib total) { return xen_.claim(*xen_.find(id), to_pages(total)); }

  // What happens to guests.
  void destroy(DomainId id);
  /// As libxl does it: the domain stops and its nodes go, some time before Xen ends it.
  void destroy_slowly(DomainId id, Duration time);
  /// The guest ends by itself; its domain stays until somebody destroys it.
  void shut_down(DomainId id, ShutdownReason reason);
  void crash(DomainId id) { shut_down(id, ShutdownReason::crash); }
  void pause(DomainId id);
  void unpause(DomainId id);
  /// As a save does, and a save that has failed, or `xl save -c`, takes back.
  void suspend(DomainId id);
  void resume(DomainId id);
  /// As xl's own reboot: a new domain that keeps the size and limit, booting from now on.
  DomainId reboot(DomainId id);
  /// Saved, and restored under a new number at once. Errors: `hypervisor_error` where the restore
  /// fails, and the guest is lost.
  Result<DomainId> save_and_restore(DomainId id);
  void set_save_in_progress(DomainId id, bool saving);
  /// Somebody else holds libxl's lock of the domain for so long from now.
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
