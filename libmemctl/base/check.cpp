// SPDX-License-Identifier: LGPL-2.1-or-later
#include <array>

#include "memctl/doctor.hpp"

namespace memctl {
namespace {

struct Entry {
  Check check;
  std::string_view name;
  Subject subject;
};

/// The one table of checks; a check's place is its number.
constexpr std::array entries = {
    Entry{Check::xen_version, "xen_version", Subject::host},
    Entry{Check::host_reserve, "host_reserve", Subject::host},
    Entry{Check::host_claims, "host_claims", Subject::host},
    Entry{Check::autoballoon, "autoballoon", Subject::host},
    Entry{Check::state, "state", Subject::domain},
    Entry{Check::stored_configuration, "stored_configuration", Subject::domain},
    Entry{Check::leftover, "leftover", Subject::domain},
    Entry{Check::claims, "claims", Subject::domain},
    Entry{Check::libvirt, "libvirt", Subject::domain},
    Entry{Check::passthrough, "passthrough", Subject::domain},
    Entry{Check::emulated_devices, "emulated_devices", Subject::domain},
    Entry{Check::paging_pool, "paging_pool", Subject::domain},
    Entry{Check::frozen_pool, "frozen_pool", Subject::domain},
    Entry{Check::populate_on_demand, "populate_on_demand", Subject::domain},
    Entry{Check::agent, "agent", Subject::guest},
    Entry{Check::agent_version, "agent_version", Subject::guest},
    Entry{Check::hotplug, "hotplug", Subject::guest},
    Entry{Check::kernel, "kernel", Subject::guest},
    Entry{Check::online_policy, "online_policy", Subject::guest},
    Entry{Check::udev_rule, "udev_rule", Subject::guest},
    Entry{Check::memory_blocks, "memory_blocks", Subject::guest},
    Entry{Check::reboot, "reboot", Subject::domain},
};

constexpr bool places_are_numbers() {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (static_cast<std::size_t>(entries[i].check) != i) return false;
  }
  return entries.back().check == Check::reboot;
}
static_assert(places_are_numbers(), "the table lists every check in the order of the enumeration");

const Entry& entry(Check check) { return entries.at(static_cast<std::size_t>(check)); }

}  // namespace

std::string_view name(Check check) { return entry(check).name; }

Subject subject(Check check) { return entry(check).subject; }

std::string_view name(Subject subject) {
  switch (subject) {
    case Subject::host:
      return "host";
    case Subject::domain:
      return "domain";
    case Subject::guest:
      return "guest";
  }
  return "unknown";
}

std::string_view name(Severity severity) {
  switch (severity) {
    case Severity::good:
      return "good";
    case Severity::note:
      return "note";
    case Severity::bad:
      return "bad";
    case Severity::unknown:
      return "unknown";
  }
  return "unknown";
}

}  // namespace memctl
