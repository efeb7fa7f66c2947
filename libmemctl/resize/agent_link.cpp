// SPDX-License-Identifier: LGPL-2.1-or-later
#include "resize/agent_link.hpp"

#include <algorithm>
#include <random>
#include <utility>

#include "base/domain_error.hpp"
#include "plan/sections.hpp"

namespace memctl::resize {
namespace {

using std::chrono::seconds;

/// An agent that has said nothing for this long is asked; it promised a report every 2 s.
constexpr seconds silence_time{3};
/// Well before the lease of a request (60 s) ends.
constexpr seconds renewal_time{20};
/// While Linux adds memory, it holds the lock that an agent needs to bring a block online
/// (device_hotplug_lock), and its processors may have no time for processes. In the lab a guest
/// with one processor was silent for 7 s while it added 29 sections.
constexpr std::chrono::milliseconds time_for_section{500};
/// How often a domain without an agent is looked at.
constexpr seconds look_time{1};

std::uint64_t new_operation_number() {
  // The default source asks the processor what it has, and under Xen each such question traps.
  std::random_device random{"getentropy"};
  const std::uint64_t number = (std::uint64_t{random()} << 32) | random();
  return std::max<std::uint64_t>(number, 1);
}

}  // namespace

AgentLink::AgentLink(host::Port& port, host::Wakeup& wakeup, ObservedDomain& domain,
                     OnlineZone online)
    : port_{&port},
      wakeup_{&wakeup},
      domain_{&domain},
      online_{online},
      operation_{new_operation_number()} {}

Result<void> AgentLink::open() {
  BOOST_OUTCOME_TRY(auto session,
                    guest::Session::open(*port_, domain_->identity(), operation_, *wakeup_));
  session_.emplace(std::move(session));
  return success();
}

host::Task<void> AgentLink::meet() {
  error_.reset();
  domain_->forget_guest();
  if (domain_->facts().terms.agentless) co_return success();
  BOOST_OUTCOME_CO_TRY(const DomainMemory memory, port_->hypervisor().domain_memory(domain_->id()));
  if (memory.paused || memory.dying || memory.shutdown != ShutdownReason::none) {
    co_return success();
  }
  auto report = co_await session_->ask(RequestKind::observe, 0, Kib{}, online_);
  if (report) {
    domain_->meet_guest({.hello = *session_->hello(), .report = std::move(report).value()});
  } else {
    error_ = report.error();
  }
  co_return success();
}

host::Task<void> AgentLink::await(const Patience& patience, host::Duration time) {
  const host::TimePoint until = port_->clock().now() + time;
  for (;;) {
    MEMCTL_CO_TRY(co_await meet());
    const host::Duration left = until - port_->clock().now();
    const bool too_old = error_ && error_->cause != Cause::agent_absent;
    if (answers() || too_old || left <= host::Duration{} || domain_->facts().terms.agentless) {
      co_return success();
    }
    MEMCTL_CO_TRY(patience.require_wish());
    BOOST_OUTCOME_CO_TRY(const DomainMemory memory,
                         port_->hypervisor().domain_memory(domain_->id()));
    if (memory.dying || memory.shutdown != ShutdownReason::none) co_return success();
    // An agent that announced itself was asked for some seconds. A new one wakes this at once; that
    // the domain is paused no longer, or ends, does not.
    const bool was_asked = error_ && session_->hello();
    if (!was_asked) co_await patience.wait(std::min<host::Duration>(left, look_time));
  }
}

host::Task<void> AgentLink::ask(RequestKind kind, std::uint32_t stage, Kib size) {
  if (!answers()) co_return success();
  MEMCTL_CO_TRY(co_await session_->ask(kind, stage, size, online_));
  co_return success();
}

Result<void> AgentLink::take_report() {
  if (!answers()) return success();
  BOOST_OUTCOME_TRY(session_->poll());
  const auto& report = session_->report();
  if (report && report->sequence != domain_->facts().guest->report.sequence) {
    domain_->note_report(*report);
  }
  return success();
}

Result<void> AgentLink::keep(std::uint32_t stage, Kib size, host::TimePoint moved_at,
                             Kib blocks_left) {
  if (!answers()) return success();
  const host::TimePoint now = port_->clock().now();
  if (domain_->facts().domain.memory.paused) {
    paused_at_ = now;
    return success();
  }
  if (!session_->answered()) {
    // A guest that moves is alive, however busy its kernel is with the new memory.
    // An agent that was stopped has removed its hello, and does not wait for its kernel.
    const host::Duration adding =
        session_->hello()
            ? host::Duration{time_for_section * (blocks_left / plan::section_of(domain_->facts()))}
            : host::Duration{};
    const host::Duration patience = guest::answer_time + adding;
    if (now - std::max({session_->asked_at(), moved_at, paused_at_}) < patience) {
      return session_->repeat();
    }
    return domain_error(domain_->identity(), Cause::agent_absent, "memctl-agent stopped answering");
  }
  const bool silent = now - session_->reported_at() > silence_time;
  const bool lease_ends = now - session_->asked_at() > renewal_time;
  if (!silent && !lease_ends) return success();
  return session_->send(RequestKind::prepare, stage, size, online_);
}

bool AgentLink::is_silent() const {
  if (!answers() || session_->answered()) return false;
  return port_->clock().now() - std::max(session_->asked_at(), paused_at_) >= guest::answer_time;
}

void AgentLink::release() {
  if (answers()) static_cast<void>(session_->send(RequestKind::release, 0, Kib{}, online_));
}

}  // namespace memctl::resize
