// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plan/limits.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "memctl/size.hpp"
#include "plan/guest_kernel.hpp"
#include "plan/pool.hpp"
#include "plan/step.hpp"

namespace memctl::plan {
namespace {

using Refusal = std::optional<Error>;

/// XEN_MEMORY_HOTPLUG_LIMIT of Linux for pv guests, where a kernel doesn't set another.
constexpr Kib pv_ceiling = 512_GiB;

/// Growing so many times costs an eighth of what a guest booted with, even where nothing that is
/// added serves its kernel.
constexpr std::int64_t agentless_growth = 8;

/// Below it lie the first 4 GiB of any guest's addresses, but for the hole of its devices.
constexpr Kib below_the_hole = 3_GiB;

Refusal refuse(Cause cause, std::string message, std::string hint = {}) {
  return Error{.cause = cause, .message = std::move(message), .hint = std::move(hint)};
}

bool has_pool(const DomainFacts& domain) { return domain.identity.type != DomainType::pv; }

Refusal refuse_state(const Input& input) {
  const DomainMemory& memory = input.domain.memory;
  if (memory.shutdown == ShutdownReason::suspend && !memory.dying) {
    return refuse(Cause::domain_migrating, "the domain is suspended, to be saved or migrated");
  }
  if (memory.dying || memory.shutdown != ShutdownReason::none) {
    return refuse(Cause::domain_gone, "the domain is shutting down");
  }
  if (memory.paused) return refuse(Cause::domain_paused, "the domain is paused");
  return {};
}

Refusal refuse_toolstack(const Input& input) {
  const DomainFacts& domain = input.domain;
  if (!domain.has_stored_configuration) {
    return refuse(Cause::xen_unsupported, "libxl has no stored configuration of this domain",
                  "only domains that libxl built (xl, libvirt) can be resized");
  }
  if (!domain.target || !domain.limit) {
    return refuse(Cause::xen_unsupported, "the domain has no memory target in xenstore");
  }
  return {};
}

Refusal refuse_populate_on_demand(const Input& input) {
  if (!has_pool(input.domain)) return {};
  if (!input.domain.pod_entries) {
    return refuse(Cause::populate_on_demand,
                  "Xen does not say whether the domain's memory is populated on demand");
  }
  if (*input.domain.pod_entries > Pages{}) {
    return refuse(Cause::populate_on_demand,
                  std::to_string(input.domain.pod_entries->count()) +
                      " pages of the domain are still to be populated on demand");
  }
  return {};
}

Refusal refuse_agent(const Input& input) {
  if (input.guest || input.policy.agentless) return {};
  return refuse(Cause::agent_absent, "no memctl-agent has announced itself in the guest");
}

Refusal refuse_policy(const Input& input, Kib to) {
  const auto& maximum = input.policy.maximum;
  if (!maximum || to <= *maximum) return {};
  return refuse(Cause::above_policy, to_string(to) + " is more than the " + to_string(*maximum) +
                                         " that this domain may have");
}

Refusal refuse_devices(const Input& input, Kib to) {
  const DomainFacts& domain = input.domain;
  if (domain.passthrough_devices != 0) {
    return domain.passthrough_devices
               ? refuse(Cause::passthrough,
                        std::to_string(*domain.passthrough_devices) +
                            " PCI devices are passed through to the domain, and a "
                            "failed mapping of new memory would crash it")
               : refuse(Cause::passthrough,
                        "libxl does not say whether PCI devices are passed through to the domain");
  }
  const bool past_boot = !domain.boot_limit || to > *domain.boot_limit;
  if (domain.identity.type == DomainType::hvm && domain.emulated_dma_devices != false &&
      past_boot && !input.policy.allow_hvm_devices) {
    return refuse(Cause::hvm_emulated_devices,
                  "the device model cannot reach memory past " +
                      (domain.boot_limit ? to_string(*domain.boot_limit) : "the boot limit") +
                      ", where emulated disks and network cards would do DMA");
  }
  return {};
}

Refusal refuse_guest_kernel(const Input& input, Kib to) {
  const DomainFacts& domain = input.domain;
  if (input.guest && !input.guest->hello.hotplug && to > domain.boot_limit.value_or(Kib{})) {
    const std::string& why = input.guest->hello.no_hotplug_reason;
    return refuse(Cause::guest_no_hotplug,
                  "the guest's kernel cannot add memory" + (why.empty() ? "" : ": " + why));
  }
  if (domain.identity.type == DomainType::pv && to > pv_ceiling) {
    return refuse(Cause::address_limit,
                  "a pv guest's kernel adds memory up to " + to_string(pv_ceiling) + " only");
  }
  return {};
}

/// Kernels on which growth would be a success that isn't one.
Refusal refuse_kernel_faults(const Input& input, Kib to) {
  if (!input.guest) return {};
  const DomainFacts& domain = input.domain;
  const AgentHello& hello = input.guest->hello;
  const KernelFaults faults = kernel_faults(hello);
  const std::string kernel =
      "the guest's kernel " + (hello.kernel_release.empty() ? "(unknown)" : hello.kernel_release);
  if (faults.balloon_spins) {
    return refuse(Cause::guest_kernel_fault,
                  kernel + " spins for ever in its balloon driver once a request fails",
                  "update the guest's kernel");
  }
  if (!faults.first_memory_of_a_zone_is_lost) return {};
  constexpr auto fixed = "it takes a kernel of 5.18, 5.15.35, 5.10.112 or newer in the guest";
  if (input.policy.online == OnlineZone::movable && input.guest->report.blocks_movable == 0) {
    return refuse(Cause::guest_kernel_fault,
                  kernel + " cannot use the first memory of a movable zone", fixed);
  }
  const Kib booted = std::min(domain.boot_limit.value_or(Kib{}), present_size(domain));
  if (to <= below_the_hole || booted > 4_GiB) return {};
  return refuse(Cause::guest_kernel_fault,
                kernel + " cannot use the first memory past 4 GiB, and might count it", fixed);
}

Refusal refuse_pool(const Input& input, Kib to) {
  const DomainFacts& domain = input.domain;
  if (!has_pool(domain)) return {};
  if (!domain.pool || !domain.hap) {
    return refuse(Cause::paging_pool, "Xen does not tell the size of the domain's paging pool",
                  "this needs Xen 4.17 or newer");
  }
  const Kib maximum = std::max(to, *domain.limit);
  const Kib needed = *pool_needed(domain, maximum);
  if (domain.frozen_pool && needed > *domain.frozen_pool) {
    return refuse(Cause::paging_pool,
                  "the domain's stored configuration fixes its paging pool at " +
                      to_string(*domain.frozen_pool) + ", and " + to_string(needed) +
                      " are needed: it could not be restored or migrated afterwards",
                  "set autoballoon=\"off\" in /etc/xen/xl.conf and start the domain anew");
  }
  return {};
}

Refusal refuse_host_memory(const Input& input, Kib to) {
  const DomainFacts& domain = input.domain;
  const Kib maximum = std::max(to, *domain.limit);
  const Kib pool = pool_growth(domain, maximum);
  // A guest may populate up to max_pages whatever its target says, hence the slack.
  const Kib added = to_kib(settled_pages(domain, to) - domain.memory.allocated) + max_pages_slack;
  const Kib needed = (to > present_size(domain) ? std::max(Kib{}, added) : Kib{}) + pool;
  const Kib spare = to_kib(input.host.available()) - input.policy.host_reserve;
  // What needs nothing is not refused on a host that is below its reserve.
  if (needed <= std::max(Kib{}, spare)) return {};
  return refuse(
      Cause::host_memory,
      mebibytes(needed) + " are needed" +
          (pool > Kib{} ? " (" + mebibytes(round_up(pool, 1_MiB)) + " of it for the paging pool)"
                        : "") +
          ", and the host can give " + mebibytes(std::max(Kib{}, spare)) + " (" +
          mebibytes(to_kib(input.host.free)) + " free, " + mebibytes(to_kib(input.host.claimed)) +
          " claimed, " + mebibytes(input.policy.host_reserve) + " kept in reserve)");
}

Refusal refuse_memmap(const Input& input, Kib to) {
  const Kib present = present_size(input.domain);
  if (!input.guest) {
    const Kib booted = std::min(input.domain.boot_limit.value_or(present), present);
    if (to <= booted * agentless_growth) return {};
    return refuse(Cause::guest_memmap,
                  "without its agent nothing tells whether the guest can describe more than " +
                      std::to_string(agentless_growth) + " times what it booted with");
  }
  Room room = room_of(input.guest);
  for (Kib size = present; size < to;) {
    const auto stage = next_growth(input, room, size, to);
    if (!stage) {
      return refuse(Cause::guest_memmap,
                    "the guest has " + mebibytes(std::max(Kib{}, *room.kernel_zone)) +
                        " free for its kernel, too little to describe one more block of memory");
    }
    room = room_after(input, room, *stage);
    size = stage->size;
  }
  return {};
}

}  // namespace

std::string mebibytes(Kib size) { return std::to_string(size / 1_MiB) + " MiB"; }

std::optional<Kib> pool_needed(const DomainFacts& domain, Kib maximum) {
  if (!has_pool(domain)) return std::nullopt;
  // Not known to be hap: the shadow pool is the larger one.
  return pool_for(maximum, domain.vcpus, domain.hap.value_or(false));
}

Kib pool_growth(const DomainFacts& domain, Kib maximum) {
  const auto needed = pool_needed(domain, maximum);
  return needed ? std::max(Kib{}, *needed - domain.pool.value_or(Kib{})) : Kib{};
}

std::optional<Error> refuse_domain(const Input& input) {
  constexpr std::array rules = {refuse_state, refuse_toolstack, refuse_agent,
                                refuse_populate_on_demand};
  for (const auto rule : rules) {
    if (auto refusal = rule(input)) return refusal;
  }
  return {};
}

std::optional<Error> refuse_growth(const Input& input, Kib to) {
  constexpr std::array rules = {refuse_policy,  refuse_guest_kernel, refuse_kernel_faults,
                                refuse_devices, refuse_pool,         refuse_host_memory,
                                refuse_memmap};
  for (const auto rule : rules) {
    if (auto refusal = rule(input, to)) return refusal;
  }
  return {};
}

std::optional<Error> refuse_block_size(const Input& input, Kib to) {
  const Kib granted = whole_blocks(input, to);
  if (granted == to) return {};
  return refuse(
      Cause::block_size,
      "this guest adds memory in blocks of " + to_string(input.guest->hello.block_size) + " only",
      "ask for " + to_string(granted + input.guest->hello.block_size));
}

Kib whole_blocks(const Input& input, Kib to) {
  if (!input.guest) return to;
  const Kib block = input.guest->hello.block_size;
  const Kib described = present_size(input.domain) + room_of(input.guest).inflated;
  if (block <= section || to <= described) return to;
  // The driver rounds up to sections by itself, and the kernel refuses parts of blocks (-EINVAL).
  const Kib added = to - described;
  const bool whole = round_up(added, section) == round_up(added, block);
  return whole ? to : described + round_down(added, block);
}

std::optional<Error> refuse_present(const Input& input) {
  const Kib present = present_size(input.domain);
  if (auto refusal = refuse_pool(input, present)) return refusal;
  return refuse_host_memory(input, present);
}

std::optional<Error> refuse_shrink(const Input& input, Kib to) {
  const Kib present = present_size(input.domain);
  const auto floor = shrink_floor(input, present);
  if (!floor) {
    return refuse(Cause::below_floor,
                  "without its agent nothing tells how much memory the guest can give back");
  }
  if (to < *floor) {
    return refuse(Cause::below_floor, "the guest needs at least " +
                                          to_string(round_up(*floor, 1_MiB)) +
                                          " now: the rest of its memory is in use, or movable");
  }
  return refuse_pool(input, to);
}

}  // namespace memctl::plan
