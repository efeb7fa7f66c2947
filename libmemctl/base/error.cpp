// SPDX-License-Identifier: LGPL-2.1-or-later
#include "memctl/error.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace memctl {
namespace {

struct CauseEntry {
  Cause cause;
  std::string_view name;
  std::string_view hint;
};

/// All causes. A cause's place in the table, counted from 1, is its number. A hint must be true in
/// every case of its cause, and say more than the message; otherwise it is empty.
constexpr std::array causes = {
    CauseEntry{Cause::no_xen, "no_xen",
               "run this in the dom0 of a Xen host, or try the simulated host sim:"},
    CauseEntry{Cause::no_such_domain, "no_such_domain", "xl list shows the domains that run"},
    CauseEntry{Cause::invalid_size, "invalid_size", ""},
    CauseEntry{Cause::invalid_argument, "invalid_argument", ""},
    CauseEntry{Cause::below_floor, "below_floor", ""},
    CauseEntry{Cause::below_policy, "below_policy",
               "the administrator of the host can lower the domain's minimum"},
    CauseEntry{Cause::above_policy, "above_policy",
               "the administrator of the host can raise the domain's maximum"},
    CauseEntry{Cause::not_permitted, "not_permitted", "run this as root in dom0"},
    CauseEntry{Cause::busy, "busy", "wait for the other operation to end"},
    CauseEntry{
        Cause::host_memory, "host_memory",
        "ask for less, or free memory on the host; xl info shows what is free and what is claimed"},
    CauseEntry{Cause::paging_pool, "paging_pool",
               "ask for less, or free memory on the host for the domain's paging pool"},
    CauseEntry{Cause::xen_unsupported, "xen_unsupported", ""},
    CauseEntry{
        Cause::hvm_emulated_devices, "hvm_emulated_devices",
        "use paravirtual devices only, or accept that risk with the option allow-hvm-devices"},
    CauseEntry{Cause::passthrough, "passthrough", "detach the domain's PCI devices first"},
    CauseEntry{
        Cause::populate_on_demand, "populate_on_demand",
        "ask again when the guest's balloon has reached its target, or start the guest with memory "
        "= maxmem"},
    CauseEntry{Cause::agent_absent, "agent_absent",
               "in the guest, systemctl status memctl-agent tells whether the agent runs"},
    CauseEntry{Cause::agent_incompatible, "agent_incompatible",
               "install the memctl-agent in the guest that goes with this version of memctl"},
    CauseEntry{Cause::guest_no_hotplug, "guest_no_hotplug",
               "the guest's kernel needs CONFIG_XEN_BALLOON_MEMORY_HOTPLUG"},
    CauseEntry{Cause::guest_kernel_fault, "guest_kernel_fault", "update the guest's kernel"},
    CauseEntry{Cause::address_limit, "address_limit", ""},
    CauseEntry{Cause::block_size, "block_size", ""},
    CauseEntry{Cause::guest_offline_blocks, "guest_offline_blocks",
               "look at the guest's kernel log and at its udev rules for memory blocks"},
    CauseEntry{Cause::guest_memmap, "guest_memmap", "free some memory in the guest first"},
    CauseEntry{Cause::guest_balloon_gave_up, "guest_balloon_gave_up",
               "ask again: a target of another value wakes the guest's balloon driver"},
    CauseEntry{Cause::guest_pressure, "guest_pressure", "free memory in the guest, and ask again"},
    CauseEntry{Cause::guest_rebooted, "guest_rebooted", "ask again when the guest has booted"},
    CauseEntry{
        Cause::stalled, "stalled",
        "look at the guest's kernel log; the option stall allows more time without progress"},
    CauseEntry{Cause::domain_gone, "domain_gone", ""},
    CauseEntry{Cause::domain_paused, "domain_paused", "xl unpause the domain, and ask again"},
    CauseEntry{Cause::domain_migrating, "domain_migrating",
               "ask again when the save or migration has ended"},
    CauseEntry{Cause::superseded, "superseded", "ask again if that was not wanted"},
    CauseEntry{Cause::deadline, "deadline", "allow more time with the option timeout"},
    CauseEntry{Cause::cancelled, "cancelled", ""},
    CauseEntry{Cause::journal_damaged, "journal_damaged",
               "compare the domain's limits with its configuration, then remove its "
               "/libxl/<domid>/memctl"},
    CauseEntry{Cause::store_error, "store_error", "look whether xenstored runs, and at its log"},
    CauseEntry{Cause::hypervisor_error, "hypervisor_error", "xl dmesg may tell more"},
};

constexpr bool causes_are_in_order() {
  for (std::size_t i = 0; i < causes.size(); ++i) {
    if (static_cast<std::size_t>(causes[i].cause) != i + 1) return false;
  }
  return causes.back().cause == Cause::hypervisor_error;
}
static_assert(causes_are_in_order(), "the table lists every cause in the order of the enumeration");

const CauseEntry& entry(Cause cause) { return causes.at(static_cast<std::size_t>(cause) - 1); }

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "memctl"; }
  std::string message(int value) const override {
    const bool known = value >= 1 && value <= static_cast<int>(causes.size());
    return known ? std::string{memctl::name(static_cast<Cause>(value))} : "unknown cause";
  }
};

}  // namespace

std::string_view name(Cause cause) { return entry(cause).name; }

std::string_view hint(Cause cause) { return entry(cause).hint; }

std::optional<Cause> cause_named(std::string_view name) {
  const auto* found = std::ranges::find(causes, name, &CauseEntry::name);
  if (found == causes.end()) return std::nullopt;
  return found->cause;
}

const std::error_category& error_category() noexcept {
  static const Category category;
  return category;
}

ErrorException::ErrorException(Error error)
    : std::system_error{make_error_code(error.cause), error.message}, error_{std::move(error)} {}

void outcome_throw_as_system_error_with_payload(Error error) {
  throw ErrorException{std::move(error)};
}

}  // namespace memctl
