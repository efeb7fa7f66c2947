// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is known about a host, a domain and a guest at one moment. The host measures its own facts
// and those of the domain. The guest's agent claims the facts of the guest, and the decoder has
// checked their bounds. An empty optional means "unknown", never zero.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "memctl/domain_info.hpp"
#include "memctl/resize.hpp"
#include "memctl/units.hpp"

namespace memctl {

/// The memory of one NUMA node of a host.
struct HostNode {
  int node{};
  Pages total{};  ///< What its addresses span, holes with it.
  Pages free{};
  /// The part of `free` that lies low enough for devices of few address bits. Xen gives it to
  /// domains only once no node has other memory.
  Pages low{};
};

struct HostFacts {
  Pages free{};       ///< Free in Xen's heap, with the claimed pages.
  Pages claimed{};    ///< Claimed for any domain and not yet allocated.
  Pages scrubbing{};  ///< Freed and not yet clean. Part of `free`.
  Pages total{};
  int numa_nodes{1};
  /// The nodes by number. Empty: the host has one node, or Xen does not tell.
  std::vector<HostNode> nodes{};
  int xen_major{};
  int xen_minor{};

  /// What can still be claimed.
  [[nodiscard]] Pages available() const { return free - claimed; }
};

/// `autoballoon` of /etc/xen/xl.conf. `automatic` means on, unless dom0's memory is fixed.
enum class Autoballoon { on, off, automatic };

/// The program that is xenstore. Debian's init script prefers oxenstored, in OCaml, to xenstored,
/// in C. Either can also run in a domain of its own.
enum class StoreProgram { xenstored, oxenstored, domain };

/// The host's settings that affect its guests' memory.
struct HostSettings {
  std::optional<Autoballoon> autoballoon{};    ///< Nothing: the file has a word unknown to xl.
  std::optional<bool> dom0_memory_is_fixed{};  ///< By dom0_mem on Xen's command line.
  /// The programs that run and resize all domains by themselves: "qmemman", "squeezed". Nothing:
  /// the table of processes cannot be read.
  std::optional<std::vector<std::string>> memory_managers{};
  std::optional<StoreProgram> store{};  ///< Nothing: no process of dom0 shows it.
};

enum class ShutdownReason { none, poweroff, reboot, suspend, crash, other };

/// The part of a domain that changes while it is populated. One hypercall reads all of it.
struct DomainMemory {
  Pages allocated{};  ///< Xen's tot_pages.
  Kib max_pages{};    ///< Xen's max_pages, as a size.
  Pages claim{};      ///< The unused part of its claim.
  bool paused{};
  bool dying{};
  ShutdownReason shutdown{ShutdownReason::none};
};

struct DomainFacts {
  DomainIdentity identity{};
  DomainMemory memory{};
  int vcpus{1};                        ///< The most that it can have, for the pool's formula.
  std::optional<Kib> target{};         ///< xenstore memory/target; excludes video RAM.
  std::optional<Kib> limit{};          ///< xenstore memory/static-max; includes video RAM.
  Kib video_ram{};                     ///< xenstore memory/videoram.
  bool has_stored_configuration{};     ///< libxl built it. If not, libxl's calls fail.
  bool in_shim{};                      ///< pvh: a pv guest runs in it, inside Xen's shim.
  std::optional<Kib> boot_limit{};     ///< b_info.max_memkb of the stored configuration.
  std::optional<Kib> boot_size{};      ///< b_info.target_memkb of it; includes video RAM.
  std::optional<Kib> frozen_pool{};    ///< b_info.shadow_memkb, if the configuration fixes it.
  std::optional<Kib> pool{};           ///< Nothing: unknown, or a pv domain.
  std::optional<bool> hap{};           ///< Hardware-assisted paging; false: shadow paging.
  std::optional<Pages> pod_entries{};  ///< Populate-on-demand entries without memory.
  std::optional<int> passthrough_devices{};
  std::optional<bool> emulated_dma_devices{};  ///< hvm: the device model does DMA for the guest.
  std::optional<bool> managed_by_libvirt{};
  /// The NUMA nodes from which Xen takes the domain's memory first, by number. All nodes unless
  /// the domain or its processors were bound to some. Nothing: the host has one, or Xen does not
  /// tell.
  std::optional<std::vector<int>> node_affinity{};
  /// xenstore control/feature-poweroff, which a kernel sets once in its life, after its balloon
  /// driver began to watch the target (Linux since 4.11). False: it still boots, or was restored.
  bool reported_started{};

  /// The size that the domain was last asked to have, as `xl` counts it.
  [[nodiscard]] std::optional<Kib> size() const {
    return target ? std::optional{*target + video_ram} : std::nullopt;
  }
};

/// What a udev rule does with a new memory block. `other`: only udev itself can work it out.
enum class RuleAction { online, online_kernel, online_movable, other };

/// Whether uname's machine is that of an x86 kernel of 32 bits.
[[nodiscard]] constexpr bool is_32_bit_machine(std::string_view machine) {
  return machine == "i686" || machine == "i586" || machine == "i486" || machine == "i386";
}

/// What an agent says when it starts.
struct AgentHello {
  std::uint32_t protocol_min{};  ///< The lowest protocol version that the agent speaks.
  std::uint32_t protocol_max{};  ///< The highest protocol version that the agent speaks.
  std::string agent_version{};
  std::string kernel_release{};  ///< uname -r
  std::string kernel_build{};    ///< uname -v, or Ubuntu's /proc/version_signature.
  std::string machine{};
  Kib block_size{};
  bool hotplug{};
  std::string no_hotplug_reason{};
  std::string online_policy{};  ///< auto_online_blocks when the agent started.
  std::string instance{};       ///< Differs at each start of the agent.
  /// The file of udev's rules that sets the state of added blocks. Empty: there is no such file.
  /// Nothing: the agent has not looked.
  std::optional<std::string> udev_rule{};
  RuleAction udev_rule_action{RuleAction::online};
};

enum class AgentPhase { idle, ready, growing, released, failed };

/// What an agent says about its guest at one moment.
struct AgentReport {
  std::uint64_t operation{};  ///< The operation that the agent serves; 0: none.
  std::uint64_t request{};    ///< Sequence number of the last request that it has carried out.
  std::uint64_t sequence{};   ///< The report's own number; each report counts one more.
  AgentPhase phase{AgentPhase::idle};
  std::int64_t blocks_present{};
  std::int64_t blocks_online{};
  std::int64_t blocks_added{};          ///< Added since the operation's first request.
  std::int64_t blocks_added_offline{};  ///< The part of `blocks_added` that is not online.
  std::int64_t blocks_movable{};        ///< Online in a movable zone.
  Kib mem_total{};
  Kib mem_available{};
  Kib kernel_zone_free{};         ///< Free pages outside movable zones and high memory.
  Kib kernel_zone_reclaimable{};  ///< File pages and reclaimable slab of the same zones.
  std::optional<double> pressure_some_avg10{};  ///< /proc/pressure/memory, percent.
  std::optional<double> pressure_full_avg10{};
  std::optional<Kib> balloon_target{};
  std::optional<Kib> balloon_current{};
  /// Memory that has page descriptors but no pages. The guest can grow so far without a new block.
  std::optional<Kib> balloon_inflated{};
  /// Free pages of the zone HighMem, which only a kernel of 32 bits has. Nothing: it has none.
  std::optional<Kib> highmem_free{};
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
  Kib target{};  ///< The size that the operation goes to.
  OnlineZone online{OnlineZone::kernel};
  /// If an operation sends nothing for this long, the agent takes it for dead and restores the
  /// guest's online policy by itself.
  std::uint32_t lease_seconds{60};
};

/// What the plan knows about a guest: the agent's last hello and last report.
struct GuestFacts {
  AgentHello hello{};
  AgentReport report{};
};

}  // namespace memctl
