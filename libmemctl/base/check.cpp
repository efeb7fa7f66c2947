// SPDX-License-Identifier: LGPL-2.1-or-later
#include <array>

#include "memctl/doctor.hpp"

namespace memctl {
namespace {

struct CheckEntry {
  Check check;
  std::string_view name;
  Subject subject;
};

/// All checks. A check's place in the table is its number.
constexpr std::array checks = {
    CheckEntry{Check::xen_version, "xen_version", Subject::host},
    CheckEntry{Check::host_reserve, "host_reserve", Subject::host},
    CheckEntry{Check::host_claims, "host_claims", Subject::host},
    CheckEntry{Check::autoballoon, "autoballoon", Subject::host},
    CheckEntry{Check::state, "state", Subject::domain},
    CheckEntry{Check::stored_configuration, "stored_configuration", Subject::domain},
    CheckEntry{Check::leftover, "leftover", Subject::domain},
    CheckEntry{Check::claims, "claims", Subject::domain},
    CheckEntry{Check::libvirt, "libvirt", Subject::domain},
    CheckEntry{Check::passthrough, "passthrough", Subject::domain},
    CheckEntry{Check::emulated_devices, "emulated_devices", Subject::domain},
    CheckEntry{Check::paging_pool, "paging_pool", Subject::domain},
    CheckEntry{Check::frozen_pool, "frozen_pool", Subject::domain},
    CheckEntry{Check::populate_on_demand, "populate_on_demand", Subject::domain},
    CheckEntry{Check::agent, "agent", Subject::guest},
    CheckEntry{Check::agent_version, "agent_version", Subject::guest},
    CheckEntry{Check::hotplug, "hotplug", Subject::guest},
    CheckEntry{Check::kernel, "kernel", Subject::guest},
    CheckEntry{Check::online_policy, "online_policy", Subject::guest},
    CheckEntry{Check::udev_rule, "udev_rule", Subject::guest},
    CheckEntry{Check::memory_blocks, "memory_blocks", Subject::guest},
    CheckEntry{Check::reboot, "reboot", Subject::domain},
    CheckEntry{Check::max_pages, "max_pages", Subject::domain},
    CheckEntry{Check::cold_start, "cold_start", Subject::domain},
    CheckEntry{Check::memory_manager, "memory_manager", Subject::host},
    CheckEntry{Check::xenstored, "xenstored", Subject::host},
};

constexpr bool checks_are_in_order() {
  for (std::size_t i = 0; i < checks.size(); ++i) {
    if (static_cast<std::size_t>(checks[i].check) != i) return false;
  }
  return checks.back().check == Check::xenstored;
}
static_assert(checks_are_in_order(), "the table lists every check in the order of the enumeration");

const CheckEntry& entry(Check check) { return checks.at(static_cast<std::size_t>(check)); }

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
