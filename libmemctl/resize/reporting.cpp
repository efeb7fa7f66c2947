// SPDX-License-Identifier: LGPL-2.1-or-later
#include "resize/reporting.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "memctl/size.hpp"
#include "plan/numa.hpp"
#include "plan/sections.hpp"
#include "plan/words.hpp"

namespace memctl::resize {
namespace {

/// Where the domain was when another tool took over, in whole MiB: it may move on.
std::string left_where(const Work& work, Kib reached) {
  const auto size = work.domain.facts().domain.size();
  const bool arrived =
      size && reached <= *size + plan::max_pages_slack && *size <= reached + plan::max_pages_slack;
  const bool on_its_way = work.limits.target_is_anothers() && !arrived;
  return std::string{"; memctl left it "} + (on_its_way ? "on its way there, " : "") + "at " +
         to_string(round_down(reached, 1_MiB));
}

/// By a look at the host now. Nothing unless it has several nodes.
std::shared_ptr<const NumaEstimate> numa_estimate(const Work& work, const Record& before,
                                                  Kib growth) {
  if (work.nodes_before.empty()) return nullptr;
  const auto host = work.port.hypervisor().host_facts();
  if (!host) return nullptr;
  const DomainFacts& domain = work.domain.facts().domain;
  auto made = plan::numa_estimate(work.nodes_before, host.value().nodes, domain, growth,
                                  domain.pool.value_or(Kib{}) - before.pool.value_or(Kib{}));
  return made ? std::make_shared<const NumaEstimate>(*std::move(made)) : nullptr;
}

}  // namespace

Kib reached_size(const plan::Input& facts, const Record& before) {
  const Kib offset = before.was_settled()
                         ? before.settled_offset
                         : plan::known_offset(facts).value_or(before.settled_offset);
  return plan::measured_size(facts.domain, offset);
}

Report report_on(const Work& work, const Record& before, Outcome outcome) {
  const plan::Input& facts = work.domain.facts();
  const DomainFacts& domain = facts.domain;
  Report report{.outcome = outcome,
                .domain = work.domain.identity(),
                .from = before.size,
                .requested = before.to,
                .reached = reached_size(facts, before),
                .limit = domain.limit.value_or(Kib{}),
                .pool = domain.pool,
                .stages = work.stages_begun,
                .elapsed = work.progress.elapsed(),
                .phases = work.progress.times()};
  if (outcome != Outcome::refused) {
    report.numa_estimate = numa_estimate(work, before, report.reached - before.present);
  }
  if (!facts.guest) return report;
  const AgentReport& guest = facts.guest->report;
  report.guest_total = guest.mem_total;
  if (outcome == Outcome::refused) return report;
  // Added blocks stay described after their memory was taken back.
  const auto sections = [section = plan::section_of(facts)](Kib size) {
    return round_up(std::max(size, Kib{}), section) / section;
  };
  const std::int64_t added = sections(facts.guest->hello.block_size * guest.blocks_added);
  const std::int64_t used = sections(report.reached - before.present);
  report.residual = plan::memmap_of(facts, std::max<std::int64_t>(0, added - used));
  return report;
}

Error ended(Error error, Report report) {
  report.cause = error.cause;
  report.message = error.message;
  report.hint = std::string{error.advice()};
  error.report = std::make_shared<const Report>(std::move(report));
  return error;
}

std::string once_answered(const DomainIdentity& domain) {
  return "once libxl's lock of the domain is free: memctl recover " + command_word(domain);
}

void leave_record(Work& work, const std::shared_ptr<Journal>& journal, const Record& before) {
  if (PendingCall* const call = work.limits.unanswered()) return call->keep(journal);
  static_cast<void>(journal->disown(before));
}

Error gone(Work& work, const std::shared_ptr<Journal>& journal, const Record& before, Error error) {
  static_cast<void>(work.port.hypervisor().release_claim(work.domain.id()));
  static_cast<void>(work.domain.remove_remnants());
  // A suspended domain goes on here if its save or migration fails, and is to be recovered then.
  const bool may_return = work.domain.facts().domain.memory.shutdown == ShutdownReason::suspend;
  if (may_return) {
    leave_record(work, journal, before);
  } else {
    static_cast<void>(journal->end());
  }
  return ended(std::move(error), report_on(work, before, Outcome::gone));
}

boost::asio::awaitable<Error> left_to_another(Work& work, const Patience& patience,
                                              Journal& journal, const Record& before, Error error) {
  static_cast<void>(work.port.hypervisor().release_claim(work.domain.id()));
  static_cast<void>(work.limits.lift_cap(before.max_pages));
  work.agent.release();
  static_cast<void>(journal.end());
  const auto read = co_await work.domain.read_domain(patience);
  Report report = report_on(work, before, Outcome::superseded);
  if (read) error.message += left_where(work, report.reached);
  co_return ended(std::move(error), std::move(report));
}

}  // namespace memctl::resize
