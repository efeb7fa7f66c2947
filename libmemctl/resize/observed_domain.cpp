// SPDX-License-Identifier: LGPL-2.1-or-later
#include "resize/observed_domain.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "base/domain_error.hpp"
#include "resize/journal.hpp"

namespace memctl::resize {
namespace {

/// A guest's demand is measured over at least this time.
constexpr std::chrono::milliseconds demand_time{250};
/// How often an operation asks within a stage whether its domain is being saved, and how old a look
/// at dom0's processes may be that answers. A stage comes round at least every 110 ms, so a save is
/// seen within 70 + 110 + 70 ms, a fourth of a second: memory that is added while a save goes on
/// does not travel with it.
constexpr std::chrono::milliseconds save_look_time{70};
/// How old a look may be that answers before a stage. A guest can choose to have 1,024 stages that
/// take milliseconds each, and a look takes up to 10 ms of the host's thread if dom0 has 1,000
/// tasks. With this age all stages of all domains cause at most 40 looks a second; if each stage
/// looked anew, a single guest could cause as many.
constexpr std::chrono::milliseconds save_look_time_before_stage{25};

std::string home_path(DomainId domain) { return "/local/domain/" + std::to_string(number(domain)); }

/// Stands from a domain's making to its end; only a toolstack writes it.
std::string vm_path(DomainId domain) { return home_path(domain) + "/vm"; }

/// What a guest has for itself: free memory that the balloon takes is in neither figure.
Kib used(const AgentReport& report) {
  return report.mem_total - report.kernel_zone_free - report.highmem_free.value_or(Kib{});
}

}  // namespace

bool has_ended(Cause cause) {
  return cause == Cause::domain_gone || cause == Cause::guest_rebooted;
}

Error is_dom0() {
  return {.cause = Cause::no_such_domain,
          .message = "dom0 is the host's own domain, not a guest",
          .hint = "name a guest; xl list shows them. xl mem-set 0 resizes dom0"};
}

Result<void> require_same(host::Port& port, const DomainIdentity& identity) {
  if (number(identity.id) == 0) return is_dom0();
  if (identity.uuid.empty()) return success();
  BOOST_OUTCOME_TRY(const std::string uuid, port.hypervisor().uuid(identity.id));
  if (uuid == identity.uuid) return success();
  return domain_error(
      identity, Cause::no_such_domain,
      "the domain has ended, and another domain has its ID " + std::to_string(number(identity.id)));
}

ObservedDomain::ObservedDomain(host::Port& port, DomainIdentity identity, plan::Terms terms)
    : port_{&port}, identity_{std::move(identity)}, facts_{.terms = terms} {}

host::Task<void> ObservedDomain::read_domain(const Patience& patience) {
  BOOST_OUTCOME_CO_TRY(facts_.domain,
                       co_await patience.answer_of(port_->hypervisor().domain_facts(id())));
  co_return success();
}

Result<void> ObservedDomain::read_host() {
  BOOST_OUTCOME_TRY(facts_.host, port_->hypervisor().host_facts());
  return success();
}

Result<void> ObservedDomain::read_memory() {
  auto memory = port_->hypervisor().domain_memory(id());
  if (!memory) {
    return memory.error().cause == Cause::no_such_domain ? gone("ended") : memory.error();
  }
  facts_.domain.memory = memory.value();
  return success();
}

Result<void> ObservedDomain::require_running() const {
  const DomainMemory& memory = facts_.domain.memory;
  switch (memory.shutdown) {
    case ShutdownReason::none:
      break;
    case ShutdownReason::reboot:
      return Error{.cause = Cause::guest_rebooted,
                   .message = identity_.name + " (ID " + std::to_string(number(id())) +
                              ") rebooted during the resize and gets a new ID: memctl status"};
    case ShutdownReason::suspend:
      return domain_error(identity_, Cause::domain_migrating,
                          "the domain was suspended, to be saved or migrated");
    case ShutdownReason::crash:
      return gone("crashed");
    case ShutdownReason::poweroff:
    case ShutdownReason::other:
      return gone("shut down");
  }
  if (memory.dying) return gone("was destroyed");
  return success();
}

Error ObservedDomain::gone(const char* how) const {
  return {.cause = Cause::domain_gone,
          .message = identity_.name + " (ID " + std::to_string(number(id())) + ") " + how +
                     " during the resize; if it rebooted it has a new ID: memctl status"};
}

Result<void> ObservedDomain::require_nodes() {
  BOOST_OUTCOME_TRY(const auto vm, port_->store().read(vm_path(id())));
  if (vm) return success();
  return gone("ended");
}

Result<void> ObservedDomain::read_holder() {
  BOOST_OUTCOME_TRY(facts_.holder, Journal(port_->store(), identity_).holder(*port_));
  return success();
}

Result<void> ObservedDomain::read_save() {
  facts_.being_saved.reset();
  BOOST_OUTCOME_TRY(facts_.being_saved, port_->hypervisor().save_in_progress(id(), save_look_time));
  return success();
}

Result<void> ObservedDomain::require_no_save() { return require_no_save(host::Duration{}); }

Result<void> ObservedDomain::require_no_save_before_stage() {
  return require_no_save(save_look_time_before_stage);
}

Result<void> ObservedDomain::require_no_save_if_due() {
  if (port_->clock().now() - save_asked_at_ < save_look_time) return success();
  return require_no_save(save_look_time);
}

Result<void> ObservedDomain::require_no_save(host::Duration oldest) {
  save_asked_at_ = port_->clock().now();
  BOOST_OUTCOME_TRY(const bool saving, port_->hypervisor().save_in_progress(id(), oldest));
  if (!saving) return success();
  return domain_error(identity_, Cause::domain_migrating,
                      "the domain is being saved or migrated, and memory that is added now may "
                      "not travel with it");
}

Error ObservedDomain::reason_of(Error error) {
  if (has_ended(error.cause)) return error;
  const auto look = [this]() -> Result<void> {
    BOOST_OUTCOME_TRY(read_memory());
    BOOST_OUTCOME_TRY(require_running());
    return require_nodes();
  };
  const auto seen = look();
  if (seen) return error;
  const Cause cause = seen.error().cause;
  return has_ended(cause) || cause == Cause::domain_migrating ? seen.error() : error;
}

// libxl_domain_setmaxmem writes static-max without looking whether the domain still stands.
Result<void> ObservedDomain::remove_remnants() {
  return port_->store().transact([&](host::StoreView& view) -> Result<void> {
    BOOST_OUTCOME_TRY(const auto vm, view.read(vm_path(id())));
    if (vm) return success();
    return view.remove(home_path(id()));
  });
}

Result<void> ObservedDomain::wake_at_end(host::Wakeup& wakeup) {
  BOOST_OUTCOME_TRY(end_watch_, port_->store().watch("@releaseDomain", wakeup));
  return success();
}

void ObservedDomain::meet_guest(GuestFacts guest) {
  guest_used_ = used(guest.report);
  guest_used_at_ = port_->clock().now();
  facts_.guest = std::move(guest);
}

void ObservedDomain::note_report(const AgentReport& report) {
  facts_.guest->report = report;
  const host::TimePoint now = port_->clock().now();
  if (now - guest_used_at_ < demand_time) return;
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - guest_used_at_);
  const Kib taken = used(report) - guest_used_;
  facts_.guest_demand = std::max(Kib{}, Kib{taken.count() * 1000 / elapsed.count()});
  guest_used_ = used(report);
  guest_used_at_ = now;
}

}  // namespace memctl::resize
