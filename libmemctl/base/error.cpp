// SPDX-License-Identifier: LGPL-2.1-or-later
#include "memctl/error.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace memctl {
namespace {

struct Entry {
  Cause cause;
  std::string_view name;
  std::string_view hint;
};

/// The one table of causes; a cause's place is its number.
constexpr std::array entries = {
    Entry{Cause::no_xen, "no_xen", "run this in the dom0 of a Xen host, or try --host sim:"},
    Entry{Cause::no_such_domain, "no_such_domain", "xl list shows the domains that run"},
    Entry{Cause::invalid_size, "invalid_size",
          "a size is a whole number with k, m, g or t behind it (without: MiB); + or - before it "
          "makes "
          "it relative"},
    Entry{Cause::below_floor, "below_floor", "ask for at least the size that is named"},
    Entry{Cause::above_policy, "above_policy",
          "the administrator of the host can raise the domain's maximum"},
    Entry{Cause::not_permitted, "not_permitted", "run this as root in dom0"},
    Entry{Cause::busy, "busy", "wait for the other operation to end"},
    Entry{
        Cause::host_memory, "host_memory",
        "ask for less, or free memory on the host; xl info shows what is free and what is claimed"},
    Entry{Cause::paging_pool, "paging_pool",
          "ask for less, or free memory on the host for the domain's paging pool"},
    Entry{Cause::xen_unsupported, "xen_unsupported",
          "this needs Xen 4.17 or newer and a domain that libxl built"},
    Entry{Cause::hvm_emulated_devices, "hvm_emulated_devices",
          "use paravirtual devices only, or --allow-hvm-devices where that risk is acceptable"},
    Entry{Cause::agent_absent, "agent_absent",
          "start memctl-agent in the guest; systemctl status memctl-agent tells why it is not "
          "running"},
    Entry{Cause::agent_incompatible, "agent_incompatible",
          "install the memctl-agent in the guest that goes with this version of memctl"},
    Entry{Cause::guest_no_hotplug, "guest_no_hotplug",
          "the guest's kernel needs CONFIG_XEN_BALLOON_MEMORY_HOTPLUG"},
    Entry{Cause::guest_offline_blocks, "guest_offline_blocks",
          "look at the guest's kernel log and at its udev rules for memory blocks"},
    Entry{Cause::guest_memmap, "guest_memmap", "free some memory in the guest first"},
    Entry{Cause::guest_balloon_gave_up, "guest_balloon_gave_up",
          "ask again: a target of another value wakes the guest's balloon driver"},
    Entry{Cause::guest_pressure, "guest_pressure",
          "free memory in the guest, or shrink it by less"},
    Entry{Cause::guest_rebooted, "guest_rebooted", "ask again once the guest has booted"},
    Entry{Cause::stalled, "stalled",
          "look at the guest's kernel log; --stall allows more time without progress"},
    Entry{Cause::domain_gone, "domain_gone", "the domain no longer runs"},
    Entry{Cause::domain_paused, "domain_paused", "xl unpause the domain, and ask again"},
    Entry{Cause::domain_migrating, "domain_migrating",
          "ask again when the save or migration has ended"},
    Entry{Cause::superseded, "superseded",
          "another tool set the domain's target meanwhile; ask again if that was not wanted"},
    Entry{Cause::deadline, "deadline", "allow more time with --timeout"},
    Entry{Cause::cancelled, "cancelled", "ask again when it is wanted"},
    Entry{Cause::journal_damaged, "journal_damaged",
          "compare the domain's limits with its configuration, then remove its "
          "/libxl/<domid>/memctl"},
    Entry{Cause::store_error, "store_error", "look whether xenstored runs, and at its log"},
    Entry{Cause::hypervisor_error, "hypervisor_error",
          "xl dmesg and the log lines of this error tell more"},
    Entry{Cause::guest_too_early, "guest_too_early", "ask again once the guest has booted"},
    Entry{Cause::passthrough, "passthrough", "detach the domain's PCI devices first"},
    Entry{Cause::populate_on_demand, "populate_on_demand",
          "ask again once the guest's balloon has reached its target, or start it with memory = "
          "maxmem"},
};

constexpr bool places_are_numbers() {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (static_cast<std::size_t>(entries[i].cause) != i + 1) return false;
  }
  return entries.back().cause == Cause::populate_on_demand;
}
static_assert(places_are_numbers(), "the table lists every cause in the order of the enumeration");

const Entry& entry(Cause cause) { return entries.at(static_cast<std::size_t>(cause) - 1); }

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "memctl"; }
  std::string message(int value) const override {
    const bool known = value >= 1 && value <= static_cast<int>(entries.size());
    return known ? std::string{memctl::name(static_cast<Cause>(value))} : "unknown cause";
  }
};

}  // namespace

std::string_view name(Cause cause) { return entry(cause).name; }

std::string_view hint(Cause cause) { return entry(cause).hint; }

std::optional<Cause> cause_named(std::string_view name) {
  const auto* found = std::ranges::find(entries, name, &Entry::name);
  if (found == entries.end()) return std::nullopt;
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
