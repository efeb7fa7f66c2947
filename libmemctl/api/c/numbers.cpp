// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/c/numbers.hpp"

#include <string_view>

#include "memctl/cause.hpp"
#include "memctl/doctor.hpp"
#include "memctl/log.hpp"
#include "memctl/report.hpp"
#include "memctl/version.hpp"
#include "memctl/watch.hpp"

namespace memctl::c {
namespace {

/// A case of a switch, so that the compiler names what is missing, and an equality.
#define SAME(cpp, c)                      \
  case cpp:                               \
    static_assert(number_of(cpp) == (c)); \
    return true

constexpr bool is_known(Cause value) {
  switch (value) {
    SAME(Cause::no_xen, MEMCTL_CAUSE_NO_XEN);
    SAME(Cause::no_such_domain, MEMCTL_CAUSE_NO_SUCH_DOMAIN);
    SAME(Cause::invalid_size, MEMCTL_CAUSE_INVALID_SIZE);
    SAME(Cause::invalid_argument, MEMCTL_CAUSE_INVALID_ARGUMENT);
    SAME(Cause::below_floor, MEMCTL_CAUSE_BELOW_FLOOR);
    SAME(Cause::below_policy, MEMCTL_CAUSE_BELOW_POLICY);
    SAME(Cause::above_policy, MEMCTL_CAUSE_ABOVE_POLICY);
    SAME(Cause::not_permitted, MEMCTL_CAUSE_NOT_PERMITTED);
    SAME(Cause::busy, MEMCTL_CAUSE_BUSY);
    SAME(Cause::host_memory, MEMCTL_CAUSE_HOST_MEMORY);
    SAME(Cause::paging_pool, MEMCTL_CAUSE_PAGING_POOL);
    SAME(Cause::xen_unsupported, MEMCTL_CAUSE_XEN_UNSUPPORTED);
    SAME(Cause::hvm_emulated_devices, MEMCTL_CAUSE_HVM_EMULATED_DEVICES);
    SAME(Cause::passthrough, MEMCTL_CAUSE_PASSTHROUGH);
    SAME(Cause::populate_on_demand, MEMCTL_CAUSE_POPULATE_ON_DEMAND);
    SAME(Cause::agent_absent, MEMCTL_CAUSE_AGENT_ABSENT);
    SAME(Cause::agent_incompatible, MEMCTL_CAUSE_AGENT_INCOMPATIBLE);
    SAME(Cause::guest_no_hotplug, MEMCTL_CAUSE_GUEST_NO_HOTPLUG);
    SAME(Cause::guest_kernel_fault, MEMCTL_CAUSE_GUEST_KERNEL_FAULT);
    SAME(Cause::address_limit, MEMCTL_CAUSE_ADDRESS_LIMIT);
    SAME(Cause::block_size, MEMCTL_CAUSE_BLOCK_SIZE);
    SAME(Cause::guest_offline_blocks, MEMCTL_CAUSE_GUEST_OFFLINE_BLOCKS);
    SAME(Cause::guest_memmap, MEMCTL_CAUSE_GUEST_MEMMAP);
    SAME(Cause::guest_balloon_gave_up, MEMCTL_CAUSE_GUEST_BALLOON_GAVE_UP);
    SAME(Cause::guest_pressure, MEMCTL_CAUSE_GUEST_PRESSURE);
    SAME(Cause::guest_rebooted, MEMCTL_CAUSE_GUEST_REBOOTED);
    SAME(Cause::stalled, MEMCTL_CAUSE_STALLED);
    SAME(Cause::domain_gone, MEMCTL_CAUSE_DOMAIN_GONE);
    SAME(Cause::domain_paused, MEMCTL_CAUSE_DOMAIN_PAUSED);
    SAME(Cause::domain_migrating, MEMCTL_CAUSE_DOMAIN_MIGRATING);
    SAME(Cause::superseded, MEMCTL_CAUSE_SUPERSEDED);
    SAME(Cause::deadline, MEMCTL_CAUSE_DEADLINE);
    SAME(Cause::cancelled, MEMCTL_CAUSE_CANCELLED);
    SAME(Cause::journal_damaged, MEMCTL_CAUSE_JOURNAL_DAMAGED);
    SAME(Cause::store_error, MEMCTL_CAUSE_STORE_ERROR);
    SAME(Cause::hypervisor_error, MEMCTL_CAUSE_HYPERVISOR_ERROR);
  }
  return false;
}

constexpr bool is_known(DomainType value) {
  switch (value) {
    SAME(DomainType::pv, MEMCTL_DOMAIN_PV);
    SAME(DomainType::pvh, MEMCTL_DOMAIN_PVH);
    SAME(DomainType::hvm, MEMCTL_DOMAIN_HVM);
  }
  return false;
}

constexpr bool is_known(Outcome value) {
  switch (value) {
    SAME(Outcome::verified, MEMCTL_OUTCOME_VERIFIED);
    SAME(Outcome::refused, MEMCTL_OUTCOME_REFUSED);
    SAME(Outcome::restored, MEMCTL_OUTCOME_RESTORED);
    SAME(Outcome::kept, MEMCTL_OUTCOME_KEPT);
    SAME(Outcome::superseded, MEMCTL_OUTCOME_SUPERSEDED);
    SAME(Outcome::failed, MEMCTL_OUTCOME_FAILED);
    SAME(Outcome::gone, MEMCTL_OUTCOME_GONE);
  }
  return false;
}

constexpr bool is_known(Phase value) {
  switch (value) {
    SAME(Phase::facts, MEMCTL_PHASE_FACTS);
    SAME(Phase::reserve, MEMCTL_PHASE_RESERVE);
    SAME(Phase::online, MEMCTL_PHASE_ONLINE);
    SAME(Phase::populate, MEMCTL_PHASE_POPULATE);
    SAME(Phase::verify, MEMCTL_PHASE_VERIFY);
    SAME(Phase::restore, MEMCTL_PHASE_RESTORE);
  }
  return false;
}

constexpr bool is_known(Check value) {
  switch (value) {
    SAME(Check::xen_version, MEMCTL_CHECK_XEN_VERSION);
    SAME(Check::host_reserve, MEMCTL_CHECK_HOST_RESERVE);
    SAME(Check::host_claims, MEMCTL_CHECK_HOST_CLAIMS);
    SAME(Check::autoballoon, MEMCTL_CHECK_AUTOBALLOON);
    SAME(Check::state, MEMCTL_CHECK_STATE);
    SAME(Check::stored_configuration, MEMCTL_CHECK_STORED_CONFIGURATION);
    SAME(Check::leftover, MEMCTL_CHECK_LEFTOVER);
    SAME(Check::claims, MEMCTL_CHECK_CLAIMS);
    SAME(Check::libvirt, MEMCTL_CHECK_LIBVIRT);
    SAME(Check::passthrough, MEMCTL_CHECK_PASSTHROUGH);
    SAME(Check::emulated_devices, MEMCTL_CHECK_EMULATED_DEVICES);
    SAME(Check::paging_pool, MEMCTL_CHECK_PAGING_POOL);
    SAME(Check::frozen_pool, MEMCTL_CHECK_FROZEN_POOL);
    SAME(Check::populate_on_demand, MEMCTL_CHECK_POPULATE_ON_DEMAND);
    SAME(Check::agent, MEMCTL_CHECK_AGENT);
    SAME(Check::agent_version, MEMCTL_CHECK_AGENT_VERSION);
    SAME(Check::hotplug, MEMCTL_CHECK_HOTPLUG);
    SAME(Check::kernel, MEMCTL_CHECK_KERNEL);
    SAME(Check::online_policy, MEMCTL_CHECK_ONLINE_POLICY);
    SAME(Check::udev_rule, MEMCTL_CHECK_UDEV_RULE);
    SAME(Check::memory_blocks, MEMCTL_CHECK_MEMORY_BLOCKS);
    SAME(Check::reboot, MEMCTL_CHECK_REBOOT);
    SAME(Check::max_pages, MEMCTL_CHECK_MAX_PAGES);
    SAME(Check::cold_start, MEMCTL_CHECK_COLD_START);
    SAME(Check::memory_manager, MEMCTL_CHECK_MEMORY_MANAGER);
    SAME(Check::xenstored, MEMCTL_CHECK_XENSTORED);
  }
  return false;
}

constexpr bool is_known(Severity value) {
  switch (value) {
    SAME(Severity::good, MEMCTL_SEVERITY_GOOD);
    SAME(Severity::note, MEMCTL_SEVERITY_NOTE);
    SAME(Severity::bad, MEMCTL_SEVERITY_BAD);
    SAME(Severity::unknown, MEMCTL_SEVERITY_UNKNOWN);
  }
  return false;
}

constexpr bool is_known(Change value) {
  switch (value) {
    SAME(Change::appeared, MEMCTL_CHANGE_APPEARED);
    SAME(Change::changed, MEMCTL_CHANGE_CHANGED);
    SAME(Change::ended, MEMCTL_CHANGE_ENDED);
  }
  return false;
}

constexpr bool is_known(LogLevel value) {
  switch (value) {
    SAME(LogLevel::debug, MEMCTL_LOG_DEBUG);
    SAME(LogLevel::info, MEMCTL_LOG_INFO);
    SAME(LogLevel::warning, MEMCTL_LOG_WARNING);
  }
  return false;
}

constexpr bool is_known(LineKind value) {
  switch (value) {
    SAME(LineKind::other, MEMCTL_LINE_OTHER);
    SAME(LineKind::resize_ended, MEMCTL_LINE_RESIZE_ENDED);
    SAME(LineKind::recovery_ended, MEMCTL_LINE_RECOVERY_ENDED);
  }
  return false;
}

#undef SAME

/// The texts of `name` are static and end with a null.
template <class Enumeration>
const char* name_of(std::int32_t number) {
  const auto value = static_cast<Enumeration>(number);
  return is_known(value) ? name(value).data() : "unknown";
}

}  // namespace
}  // namespace memctl::c

extern "C" {

const char* memctl_version(void) { return memctl::version().data(); }
const char* memctl_cause_name(memctl_cause cause) {
  return cause == MEMCTL_NO_CAUSE ? "none" : memctl::c::name_of<memctl::Cause>(cause);
}
const char* memctl_domain_type_name(memctl_domain_type type) {
  return memctl::c::name_of<memctl::DomainType>(type);
}
const char* memctl_outcome_name(memctl_outcome outcome) {
  return memctl::c::name_of<memctl::Outcome>(outcome);
}
const char* memctl_phase_name(memctl_phase phase) {
  return memctl::c::name_of<memctl::Phase>(phase);
}
const char* memctl_check_name(memctl_check check) {
  return memctl::c::name_of<memctl::Check>(check);
}
const char* memctl_severity_name(memctl_severity severity) {
  return memctl::c::name_of<memctl::Severity>(severity);
}
const char* memctl_change_name(memctl_change_kind change) {
  return memctl::c::name_of<memctl::Change>(change);
}
const char* memctl_log_level_name(memctl_log_level level) {
  return memctl::c::name_of<memctl::LogLevel>(level);
}
const char* memctl_line_kind_name(memctl_line_kind kind) {
  return memctl::c::name_of<memctl::LineKind>(kind);
}
memctl_cause memctl_cause_named(const char* name) {
  const auto cause = name ? memctl::cause_named(name) : std::nullopt;
  return cause ? memctl::c::number_of(*cause) : MEMCTL_NO_CAUSE;
}
}
