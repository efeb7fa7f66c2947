// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is known of a host, a domain and a guest at one moment. A host measures the first two; the
// third is what the guest's agent says, already bounded. An empty optional is "unknown": it is
// never taken for zero.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "memctl/domain_info.hpp"
#include "memctl/resize.hpp"
#include "memctl/units.hpp"

namespace memctl {

struct HostFacts {
  Pages free{};       ///< Free in Xen's heap, what others have claimed included.
  Pages claimed{};    ///< By all domains, and not yet allocated.
  Pages scrubbing{};  ///< Freed and not yet clean: part of `free`.
  Pages total{};
  int numa_nodes{1};
  int xen_major{};
  int xen_minor{};

  /// What can still be promised to somebody.
  [[nodiscard]] Pages available() const { return free - claimed; }
};

/// `autoballoon` of /etc/xen/xl.conf; `automatic` means on, unless dom0's memory is fixed.
enum class Autoballoon { on, off, automatic };

/// How the host is set up, as far as it bears on its guests' memory.
struct HostSettings {
  std::optional<Autoballoon> autoballoon{};    ///< Nothing: the file says what xl doesn't know.
  std::optional<bool> dom0_memory_is_fixed{};  ///< By dom0_mem on Xen's command line.
};

enum class ShutdownReason { none, poweroff, reboot, suspend, crash, other };

/// The part of a domain that changes while it is populated: one hypercall's answer.
struct DomainMemory {
  Pages allocated{};  ///< tot_pages: what Xen has allocated to it.
  Kib max_pages{};    ///< As a size: what Xen will allocate at most.
  Pages claim{};      ///< The unused part of its claim.
  bool paused{};
  bool dying{};
  ShutdownReason shutdown{ShutdownReason::none};
};

struct DomainFacts {
  DomainIdentity identity{};
  std::string uuid{};
  DomainMemory memory{};
  int vcpus{1};                        ///< The most it can have: the pool's formula counts these.
  std::optional<Kib> target{};         ///< xenstore memory/target; excludes video RAM.
  std::optional<Kib> limit{};          ///< xenstore memory/static-max; includes video RAM.
  Kib video_ram{};                     ///< xenstore memory/videoram.
  bool has_stored_configuration{};     ///< libxl built it; without, libxl's calls fail on it.
  std::optional<Kib> boot_limit{};     ///< b_info.max_memkb of that configuration.
  std::optional<Kib> frozen_pool{};    ///< b_info.shadow_memkb, where the configuration fixes it.
  std::optional<Kib> pool{};           ///< Unknown, or pv, which has none.
  std::optional<bool> hap{};           ///< Hardware-assisted paging, else shadow.
  std::optional<Pages> pod_entries{};  ///< Populate-on-demand entries without memory.
  std::optional<int> passthrough_devices{};
  std::optional<bool> emulated_dma_devices{};  ///< hvm: does the device model do DMA for the guest.
  std::optional<bool> managed_by_libvirt{};

  /// The size that the domain was last asked to have, as `xl` means sizes.
  [[nodiscard]] std::optional<Kib> size() const {
    return target ? std::optional{*target + video_ram} : std::nullopt;
  }
};

/// What a udev rule makes of a memory block that appears; `other`: something that only udev can
/// work out.
enum class RuleAction { online, online_kernel, online_movable, other };

/// What an agent says once, when it starts.
struct AgentHello {
  std::uint32_t protocol_min{};  ///< The protocol versions that it speaks, from
  std::uint32_t protocol_max{};  ///< to.
  std::string agent_version{};
  std::string kernel_release{};  ///< uname -r
  std::string kernel_build{};    ///< uname -v, or Ubuntu's /proc/version_signature.
  std::string machine{};
  Kib block_size{};
  bool hotplug{};
  std::string no_hotplug_reason{};
  std::string online_policy{};  ///< auto_online_blocks when the agent started.
  std::string instance{};       ///< Differs at each start of the agent.
  /// The file of udev's rules that sets the state of added blocks by itself. Empty: there is none;
  /// nothing: the agent has not looked.
  std::optional<std::string> udev_rule{};
  RuleAction udev_rule_action{RuleAction::online};
};

enum class AgentPhase { idle, ready, growing, released, failed };

/// What an agent says of its guest at one moment.
struct AgentReport {
  std::uint64_t operation{};  ///< The operation that it serves; 0: none.
  std::uint64_t request{};    ///< Sequence number of the last request that it has carried out.
  std::uint64_t sequence{};   ///< Its own; grows by one each report.
  AgentPhase phase{AgentPhase::idle};
  std::int64_t blocks_present{};
  std::int64_t blocks_online{};
  std::int64_t blocks_added{};          ///< Since the operation's first request,
  std::int64_t blocks_added_offline{};  ///< and of these, not online.
  std::int64_t blocks_movable{};        ///< Online in a movable zone.
  Kib mem_total{};
  Kib mem_available{};
  Kib kernel_zone_free{};         ///< Free pages outside movable zones.
  Kib kernel_zone_reclaimable{};  ///< File pages and reclaimable slab outside movable zones.
  std::optional<double> pressure_some_avg10{};  ///< /proc/pressure/memory, percent.
  std::optional<double> pressure_full_avg10{};
  std::optional<Kib> balloon_target{};
  std::optional<Kib> balloon_current{};
  /// Described and without memory: what growing takes up before a block has to be added.
  std::optional<Kib> balloon_inflated{};
  std::string error{};
};

enum class RequestKind { observe, prepare, release };

/// What dom0 asks of an agent.
struct AgentRequest {
  std::uint32_t protocol{1};
  std::uint64_t operation{};
  std::uint64_t sequence{};  ///< Grows with each request, over all operations of a domain.
  RequestKind kind{RequestKind::observe};
  std::uint32_t stage{};
  Kib target{};  ///< The guest's size after this stage.
  OnlineZone online{OnlineZone::kernel};
  /// An operation that sends nothing for so long is dead: the agent restores the policy by itself.
  std::uint32_t lease_seconds{60};
};

/// What the plan takes from a guest: its last hello and report.
struct GuestFacts {
  AgentHello hello{};
  AgentReport report{};
};

}  // namespace memctl
