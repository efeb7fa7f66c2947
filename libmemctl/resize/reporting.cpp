// SPDX-License-Identifier: LGPL-2.1-or-later
#include "resize/reporting.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "plan/step.hpp"

namespace memctl::resize {

Report report_on(const Context& context, const Record& before, Outcome outcome) {
  const plan::Input& facts = context.facts();
  const DomainFacts& domain = facts.domain;
  const Kib offset = plan::known_offset(domain).value_or(before.settled_offset);
  Report report{.outcome = outcome,
                .domain = context.domain(),
                .from = before.size,
                .requested = before.to,
                .reached = to_kib(domain.memory.allocated) - offset,
                .limit = domain.limit.value_or(Kib{}),
                .pool = domain.pool,
                .stages = context.stages_begun(),
                .elapsed = context.progress().elapsed(),
                .phases = context.progress().times()};
  if (!facts.guest) return report;
  const AgentReport& guest = facts.guest->report;
  report.guest_total = guest.mem_total;
  if (outcome == Outcome::refused) return report;
  // Added blocks stay described after their memory was taken back.
  const auto sections = [](Kib size) {
    return round_up(std::max(size, Kib{}), plan::section) / plan::section;
  };
  const std::int64_t added = sections(facts.guest->hello.block_size * guest.blocks_added);
  const std::int64_t used = sections(report.reached - before.present);
  report.residual = plan::memmap_of(context.domain().type, std::max<std::int64_t>(0, added - used));
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
  return "once libxl's lock of the domain is free: memctl recover " + domain.name;
}

void leave_record(Context& context, const std::shared_ptr<Journal>& journal, const Record& before) {
  if (context.unanswered() != nullptr) return context.unanswered()->keep(journal);
  static_cast<void>(journal->disown(before));
}

Error gone(Context& context, const std::shared_ptr<Journal>& journal, const Record& before,
           Error error) {
  static_cast<void>(context.xen().release_claim(context.id()));
  static_cast<void>(context.remove_remnants());
  // The record went with the domain; where that still stands, it is removed. Of a suspended one it
  // stays: if the save or migration fails, the domain goes on here, and is to be recovered.
  const bool may_return = context.facts().domain.memory.shutdown == ShutdownReason::suspend;
  if (may_return) {
    leave_record(context, journal, before);
  } else {
    static_cast<void>(journal->end());
  }
  return ended(std::move(error), report_on(context, before, Outcome::gone));
}

boost::asio::awaitable<Error> left_to_another(Context& context, Journal& journal,
                                              const Record& before, Error error) {
  static_cast<void>(context.xen().release_claim(context.id()));
  static_cast<void>(context.lift_cap(before.max_pages));
  context.release_agent();
  static_cast<void>(journal.end());
  auto now = co_await context.answer_of(context.xen().domain_facts(context.id()));
  if (now) context.facts().domain = std::move(now).value();
  co_return ended(std::move(error), report_on(context, before, Outcome::superseded));
}

}  // namespace memctl::resize
