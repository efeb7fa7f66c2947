// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plan/limits.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "memctl/size.hpp"
#include "plan/numa.hpp"
#include "plan/pool.hpp"
#include "plan/sections.hpp"
#include "plan/step.hpp"
#include "plan/words.hpp"

namespace memctl::plan {
namespace {

/// Describing this many times what a guest booted with takes an eighth of what it booted with, even
/// if its kernel cannot use the added memory.
constexpr std::int64_t agentless_growth = 8;
constexpr auto with_agent = "without --agentless the guest's agent is asked";

/// Linux adds at most this many times its kernel zones' size to the movable zone by itself
/// (auto_movable_ratio, 301 percent): the kernel manages all memory from its own zones.
constexpr std::int64_t movable_for_kernel = 3;

Error refusal(Cause cause, std::string reason, std::string remedy = {}) {
  return {.cause = cause, .message = std::move(reason), .hint = std::move(remedy)};
}

bool has_pool(const DomainFacts& domain) { return domain.identity.type != DomainType::pv; }

Refusal refuse_above_policy(const Input& input, Kib to) {
  const auto& maximum = input.terms.maximum;
  if (!maximum || to <= *maximum) return {};
  return refusal(Cause::above_policy, "the administrator allows at most " + to_string(*maximum));
}

Refusal refuse_below_policy(const Input& input, Kib to) {
  const auto& minimum = input.terms.minimum;
  if (!minimum || to >= *minimum) return {};
  return refusal(Cause::below_policy,
                 "the administrator leaves it at least " + to_string(*minimum));
}

Refusal refuse_host_memory(const Input& input, Kib to) {
  // On a host that is below its reserve, a request that needs no memory is still granted.
  if (host_need(input, to).all() <= host_spare(input)) return {};
  return refusal(Cause::host_memory,
                 "the host has no more (" + at_most(host_spare(input)) +
                     " free beyond the reserve of " + to_string(input.terms.host_reserve) + ")",
                 "ask for less, or free memory on the host; xl info shows what is free and what is "
                 "claimed");
}

/// A pvh or hvm kernel reads its limit once, while it boots, and counts its target from that for
/// its whole life. With a limit that was raised before, it would take back as much as it was to
/// get.
Refusal refuse_unread_limit(const Input& input, Kib to) {
  const DomainFacts& domain = input.domain;
  if (input.guest || !has_pool(domain) || domain.reported_started) return {};
  if (to <= *domain.limit) return {};
  return refusal(
      Cause::agent_absent,
      "without its agent nothing tells whether the guest's kernel has booted so far that "
      "its limit can be raised",
      with_agent);
}

Refusal refuse_undescribed(const Input& input, Kib to) {
  if (input.guest) return {};  // the walk over the stages decides by the guest's own figures
  const Kib present = present_size(input);
  const Kib booted = std::min(input.domain.boot_limit.value_or(present), present);
  if (to <= booted * agentless_growth) return {};
  return refusal(Cause::guest_memmap,
                 "without its agent nothing tells whether the guest can describe more than " +
                     std::to_string(agentless_growth) + " times what it booted with",
                 with_agent);
}

/// libvirt restores and starts a domain by its own description (libxlDomainStart), whatever libxl
/// stored.
Error libvirts_maximum(const DomainFacts& domain, Kib maximum) {
  if (!domain.managed_by_libvirt) {
    return refusal(Cause::paging_pool,
                   "it cannot be told whether libvirt runs it; with more than " +
                       to_string(maximum) + " libvirt could not restore or migrate it",
                   "ls -l /run/libvirt/libxl");
  }
  return refusal(Cause::paging_pool,
                 "libvirt runs it, and keeps a maximum of its own, " + to_string(maximum) +
                     ": with more memory libvirt could not restore or migrate it",
                 "virsh setmaxmem " + command_word(domain.identity) +
                     " SIZE --config, then virsh shutdown and virsh start");
}

}  // namespace

Refusal refuse_device_model(const Input& input) {
  const auto guest = input.domain.identity.device_model_of;
  if (!guest) return {};
  const std::string id = std::to_string(number(*guest));
  return refusal(
      Cause::xen_unsupported,
      "it is the device model of domain " + id + ", and keeps the memory that it was built with",
      "resize the guest: memctl resize " + id + " SIZE");
}

// The shim is a Xen of its own. It gives its guest no more pages than its boot limit
// (pv_shim_setup_dom in Xen's arch/x86/pv/shim.c), whatever dom0 asks for, and keeps a part of the
// domain's memory for itself, so that at its limit the guest's balloon never rests at its target.
Refusal refuse_shim(const Input& input) {
  if (!input.domain.in_shim) return {};
  return refusal(Cause::xen_unsupported,
                 "it is a pv guest in Xen's shim, which fixes its limit and keeps some of its "
                 "memory: no other size could be verified",
                 "start it without pvshim in its configuration file");
}

Refusal refuse_held(const Input& input) {
  const Holder& holder = input.holder;
  switch (holder.state) {
    case Holder::State::none:
    case Holder::State::dead:
      return {};
    case Holder::State::alive:
      return refusal(Cause::busy, held_by(holder.owner));
    case Holder::State::newer:
      return refusal(Cause::journal_damaged, newer_record, mend_newer_record);
    case Holder::State::damaged:
      break;
  }
  return refusal(Cause::journal_damaged, damaged_record, mend_record(input.domain.identity.id));
}

Refusal refuse_save(const Input& input) {
  // A domain that is being destroyed is told as that.
  if (input.being_saved != true || input.domain.memory.dying) return {};
  return refusal(Cause::domain_migrating, "the domain is being saved or migrated",
                 "wait for its end");
}

Refusal refuse_state(const Input& input) {
  const DomainMemory& memory = input.domain.memory;
  const std::string list = "xl list " + command_word(input.domain.identity);
  if (memory.dying) {
    return refusal(Cause::domain_gone, "the domain is being destroyed", list);
  }
  if (memory.shutdown == ShutdownReason::suspend) {
    return refusal(Cause::domain_migrating, "the domain is suspended, to be saved or migrated",
                   list);
  }
  if (memory.shutdown != ShutdownReason::none) {
    return refusal(Cause::domain_gone, "the guest has shut down, or has crashed", list);
  }
  if (memory.paused) {
    return refusal(Cause::domain_paused, "the domain is paused",
                   "xl unpause " + command_word(input.domain.identity));
  }
  return {};
}

Refusal refuse_toolstack(const Input& input) {
  const DomainFacts& domain = input.domain;
  if (!domain.has_stored_configuration) {
    return refusal(Cause::xen_unsupported,
                   "libxl has no stored configuration of the domain: another toolstack built it",
                   "start it with xl or libvirt");
  }
  if (!domain.target || !domain.limit) {
    return refusal(Cause::xen_unsupported, "the domain has no memory target or limit in xenstore",
                   "xl reboot " + command_word(domain.identity));
  }
  return {};
}

Refusal refuse_without_agent(const Input& input) {
  if (input.guest || input.terms.agentless) return {};
  return refusal(Cause::agent_absent,
                 "no memctl-agent answers (not installed, not started, or the guest is still "
                 "booting)",
                 start_agent());
}

Refusal refuse_populate_on_demand(const Input& input) {
  if (!has_pool(input.domain)) return {};
  if (!input.domain.pod_entries) {
    return refusal(Cause::populate_on_demand,
                   "Xen does not say whether the domain's memory is populated on demand",
                   "start it with memory = maxmem");
  }
  if (*input.domain.pod_entries > Pages{}) {
    return refusal(Cause::populate_on_demand,
                   std::to_string(input.domain.pod_entries->count()) +
                       " pages of the domain are still to be populated on demand",
                   "wait for the guest's balloon, or start it with memory = maxmem");
  }
  return {};
}

Refusal refuse_domain(const Input& input) {
  constexpr std::array rules = {
      refuse_device_model, refuse_held, refuse_save,          refuse_state,
      refuse_toolstack,    refuse_shim, refuse_without_agent, refuse_populate_on_demand};
  for (const auto rule : rules) {
    if (auto refused = rule(input)) return refused;
  }
  return {};
}

// All memory that the guest knows of is MemTotal and what its balloon holds. So its kernel zones
// are what is left of that without the movable blocks, and no figure of their own is needed.
Refusal refuse_movable(const Input& input, Kib to) {
  if (!input.guest || input.terms.online != OnlineZone::movable || input.terms.force_movable) {
    return {};
  }
  const Kib more = whole_pages(input.domain, to) - described_size(input);
  if (more <= Kib{}) return {};
  const AgentReport& report = input.guest->report;
  const Kib block = input.guest->hello.block_size;
  const Kib movable = block * report.blocks_movable;
  const Kib offline = block * (report.blocks_present - report.blocks_online);
  const Kib described = report.mem_total + room_of(input.guest).inflated;
  const Kib kernel = std::max(Kib{}, described - movable);
  // The agent brings the offline blocks online as well.
  const Kib later = movable + offline + round_up(more, block_of(input));
  if (later <= kernel * movable_for_kernel) return {};
  return refusal(Cause::guest_memmap,
                 "movable memory would be more than " + std::to_string(movable_for_kernel) +
                     " times the " + at_most(kernel) + " that its kernel can use",
                 "ask for less, or grow it with --online kernel first; --force-movable accepts "
                 "that its kernel may run dry");
}

namespace {

std::string devices(const DomainFacts& domain) {
  const int count = *domain.passthrough_devices;
  return count == 1 ? "a PCI device is passed through to the domain"
                    : std::to_string(count) + " PCI devices are passed through to the domain";
}

Error barred_by_devices(const DomainFacts& domain, const std::string& why) {
  const std::string name = command_word(domain.identity);
  return refusal(Cause::passthrough, devices(domain) + why,
                 "xl pci-list " + name + ", then xl pci-detach " + name + " DEVICE");
}

constexpr auto would_crash = ", because a failed mapping of new memory would crash it";

}  // namespace

Refusal refuse_return(const Input& input, Kib to) {
  const DomainFacts& domain = input.domain;
  if (domain.passthrough_devices == 0) return {};
  if (!domain.passthrough_devices) {
    return refusal(Cause::passthrough,
                   "libxl does not say whether PCI devices are passed through to the domain",
                   "xl pci-list " + command_word(domain.identity));
  }
  if (!domain.boot_limit) {
    return barred_by_devices(domain, ", and libxl does not tell its boot limit");
  }
  if (to <= *domain.boot_limit) return {};
  return barred_by_devices(domain, ", and it cannot grow past its boot limit of " +
                                       to_string(*domain.boot_limit) + would_crash);
}

Refusal refuse_passthrough(const Input& input, Kib to) {
  const DomainFacts& domain = input.domain;
  if (auto refused = refuse_return(input, to)) return refused;
  if (domain.passthrough_devices == 0) return {};
  if (whole_pages(domain, to) <= described_size(input)) return {};
  const bool told = input.guest && input.guest->report.balloon_inflated;
  return barred_by_devices(domain, told ? std::string{", and it can get back only the memory that "
                                                      "its balloon holds"} +
                                              would_crash
                                        : ", and nothing tells how much its balloon holds");
}

Refusal refuse_emulated_devices(const Input& input, Kib to) {
  const DomainFacts& domain = input.domain;
  if (domain.identity.type != DomainType::hvm || domain.emulated_dma_devices == false) return {};
  if (input.terms.allow_hvm_devices) return {};
  if (domain.boot_limit && to <= *domain.boot_limit) return {};
  const std::string past =
      " could not reach memory past " +
      (domain.boot_limit ? to_string(*domain.boot_limit) : std::string{"the boot limit"});
  return refusal(Cause::hvm_emulated_devices,
                 domain.emulated_dma_devices
                     ? "its emulated disks and network cards" + past
                     : "libxl does not say whether the domain has emulated disks or network cards; "
                       "these" +
                           past,
                 "configure paravirtual devices only, or memctl resize --allow-hvm-devices");
}

Refusal refuse_unknown_pool(const Input& input, Kib) {
  const DomainFacts& domain = input.domain;
  if (!has_pool(domain) || (domain.pool && domain.hap)) return {};
  return refusal(Cause::paging_pool,
                 "Xen does not tell the size of the domain's paging pool, which could run dry",
                 "update Xen to 4.17 or newer");
}

Refusal refuse_frozen_pool(const Input& input, Kib to) {
  const DomainFacts& domain = input.domain;
  if (!has_pool(domain) || !domain.frozen_pool) return {};
  const bool too_small =
      frozen_pool_needed(domain, std::max(to, domain.limit.value_or(Kib{}))).has_value();
  const Kib most = limit_for(*domain.frozen_pool, domain.vcpus, domain.hap.value_or(false));
  if (domain.managed_by_libvirt != false) {
    const Kib present = present_size(input);
    const Kib maximum = domain.boot_limit.value_or(present);
    const bool past = to > std::max(maximum, present);
    return past || too_small ? libvirts_maximum(domain, std::min(maximum, most)) : Refusal{};
  }
  if (!too_small || raises_frozen_pools(input.host)) return {};
  return refusal(
      Cause::paging_pool,
      "the stored configuration fixes the paging pool at " + to_string(*domain.frozen_pool) +
          ", enough for " + to_string(most) +
          ": with more memory the domain could not be restored or migrated, and memctl raises it "
          "on Xen 4.17 and 4.20 only",
      std::string{switch_autoballoon_off} + ", then start the domain anew without shadow_memory");
}

Refusal refuse_growth(const Input& input, Kib to) {
  constexpr std::array rules = {refuse_above_policy,     refuse_hotplug,      refuse_address,
                                refuse_kernel_faults,    refuse_movable,      refuse_passthrough,
                                refuse_emulated_devices, refuse_unknown_pool, refuse_frozen_pool,
                                refuse_host_memory,      refuse_unread_limit, refuse_undescribed,
                                refuse_remote_memory};
  for (const auto rule : rules) {
    if (auto refused = rule(input, to)) return refused;
  }
  return {};
}

Refusal refuse_block_size(const Input& input, Kib to) {
  const Kib described = described_size(input);
  to = whole_pages(input.domain, to);
  if (!has_large_blocks(input) || to <= described) return {};
  // The balloon driver rounds up to sections, and the kernel refuses parts of blocks (-EINVAL).
  const Kib block = input.guest->hello.block_size;
  const Kib section = section_of(input);
  if (round_up(to - described, section) == round_up(to - described, block)) return {};
  return refusal(Cause::block_size, "its memory comes in blocks of " + to_string(block));
}

Kib described_size(const Input& input) {
  return whole_pages(input.domain, present_size(input)) + room_of(input.guest).inflated;
}

Kib whole_blocks(const Input& input, Kib to) {
  const Kib described = described_size(input);
  if (!has_large_blocks(input) || whole_pages(input.domain, to) <= described) return to;
  const Kib whole = described + round_down(to - described, input.guest->hello.block_size);
  return std::max(whole, present_size(input));
}

Refusal refuse_present(const Input& input) {
  const Kib present = present_size(input);
  if (auto refused = refuse_unknown_pool(input, present)) return refused;
  if (auto refused = refuse_frozen_pool(input, present)) return refused;
  return refuse_host_memory(input, present);
}

Refusal refuse_shrink(const Input& input, Kib to) {
  if (auto refused = refuse_below_policy(input, to)) return refused;
  const auto floor = shrink_floor(input, room_of(input.guest), present_size(input));
  if (!floor) {
    return refusal(Cause::below_floor,
                   "without its agent nothing tells how much memory the guest can give back",
                   with_agent);
  }
  if (to < *floor) {
    return refusal(Cause::below_floor, "the rest of its memory is in use, or movable",
                   "free memory in the guest, and ask again");
  }
  if (auto refused = refuse_unknown_pool(input, to)) return refused;
  return refuse_frozen_pool(input, to);
}

std::optional<Kib> pool_needed(const DomainFacts& domain, Kib limit) {
  if (!has_pool(domain)) return std::nullopt;
  // If hap is not known, assume shadow paging, because it needs the larger pool.
  return pool_for(limit, domain.vcpus, domain.hap.value_or(false));
}

Kib pool_growth(const DomainFacts& domain, Kib limit) {
  const auto needed = pool_needed(domain, limit);
  return needed ? std::max(Kib{}, *needed - domain.pool.value_or(Kib{})) : Kib{};
}

std::optional<Kib> frozen_pool_needed(const DomainFacts& domain, Kib limit) {
  const auto needed = pool_needed(domain, limit);
  if (!needed || !domain.frozen_pool || *needed <= *domain.frozen_pool) return std::nullopt;
  return needed;
}

// libxl.h leaves the stored configuration to libxl, so its protocol is known only for a release
// with which the lab has shown it: Debian 12's and Debian 13's.
bool raises_frozen_pools(const HostFacts& host) {
  return host.xen_major == 4 && (host.xen_minor == 17 || host.xen_minor == 20);
}

Kib iommu_tables(const DomainFacts& domain, Kib growth) {
  if (domain.passthrough_devices == 0 || growth <= Kib{}) return {};
  return round_up(growth / 512, kib_per_page) + 1_MiB;
}

HostNeed host_need(const Input& input, Kib to) {
  const DomainFacts& domain = input.domain;
  // The slack is there because a guest may populate up to max_pages, whatever its target is.
  const Kib added = to_kib(most_pages(input, to) - domain.memory.allocated) + max_pages_slack;
  const Kib memory = to > present_size(input) ? std::max(Kib{}, added) : Kib{};
  return {.memory = memory,
          .pool = pool_growth(domain, std::max(to, *domain.limit)),
          .tables = iommu_tables(domain, memory)};
}

Kib host_spare(const Input& input) {
  return std::max(Kib{}, to_kib(input.host.available()) - input.terms.host_reserve);
}

}  // namespace memctl::plan
