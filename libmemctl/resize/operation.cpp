// SPDX-License-Identifier: LGPL-2.1-or-later
#include "resize/operation.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "plan/plan.hpp"
#include "plan/step.hpp"

namespace memctl::resize {
namespace {

bool domain_went_away(Cause cause) {
  return cause == Cause::domain_gone || cause == Cause::guest_rebooted ||
         cause == Cause::no_such_domain;
}

}  // namespace

ResizeOperation::ResizeOperation(host::Port& port, DomainIdentity domain, SizeRequest request,
                                 ResizeOptions options)
    : context_{port, std::move(domain), std::move(options)},
      journal_{port.store(), context_.id()},
      request_{request} {}

host::Task<Report> ResizeOperation::run() {
  // 1 and 2: facts, and the decision. Nothing has been touched.
  auto plan = co_await decide();
  if (!plan) co_return refused(plan.error());

  // 3: the journal, which is the lock too.
  if (auto written = write_journal(plan.value()); !written) co_return refused(written.error());

  // 4: pool, limit, claim.
  Result<void> step = co_await reserve(context_, plan.value());

  // 5: stage by stage, each decided on fresh figures.
  if (step) step = co_await walk(plan.value().to);

  // 6: all three layers.
  if (step) {
    auto verified = co_await verify(context_, before_, report_before_);
    if (verified) co_return finish(plan.value(), verified.value());
    step = verified.error();
  }

  // 7: otherwise.
  co_return co_await give_up(step.error());
}

host::Task<Plan> ResizeOperation::decide() {
  context_.progress().begin(Phase::facts, 0, Kib{}, Kib{});
  BOOST_OUTCOME_CO_TRY(context_.open());
  BOOST_OUTCOME_CO_TRY(co_await undo_leftover());
  BOOST_OUTCOME_CO_TRY(const plan::Input facts, co_await context_.gather());
  auto plan = plan::make_plan(facts, request_);
  if (!plan) co_return explained(plan.error(), context_.agent_error());
  BOOST_OUTCOME_CO_TRY(context_.look());
  co_return plan;
}

/// A process that died in the middle left its record: what it began is undone first.
host::Task<void> ResizeOperation::undo_leftover() {
  BOOST_OUTCOME_CO_TRY(const auto record, journal_.read());
  if (!record || context_.port().is_alive(record->owner)) co_return success();
  Context other{context_.port(), context_.domain(), context_.options()};
  BOOST_OUTCOME_CO_TRY(other.open());
  BOOST_OUTCOME_CO_TRY(co_await other.gather());
  other.count_stage();  // nobody knows how far it came: its pool stays
  BOOST_OUTCOME_CO_TRY(co_await undo(other, *record, /*keep=*/false));
  co_return journal_.end();
}

Result<void> ResizeOperation::write_journal(const Plan& plan) {
  const DomainFacts& domain = context_.facts().domain;
  before_ = Record{.owner = context_.port().self(),
                   .operation = context_.operation(),
                   .size = plan.from,
                   .present = plan::present_size(domain),
                   .limit = plan.earlier_limit,
                   .max_memory = domain.memory.max,
                   .pool = domain.paging_pool,
                   .settled_offset = plan::settled_offset(domain),
                   .to = plan.to};
  if (context_.facts().guest) report_before_ = context_.facts().guest->report;
  return journal_.begin(before_);
}

host::Task<void> ResizeOperation::walk(Kib goal) {
  for (int number = 1;; ++number) {
    BOOST_OUTCOME_CO_TRY(auto stage, plan::next_stage(context_.facts(), goal));
    if (!stage) {
      // A domain may have the size already, and a target that asks for another.
      if (context_.facts().domain.size() == goal) co_return success();
      co_return co_await context_.set_size(goal, /*enforce=*/true);
    }
    // A balloon that gave up on a size wakes for another one only: one page less goes first.
    if (stage->host_memory > Kib{} && context_.facts().domain.size() == stage->size) {
      stage->size -= kib_per_page;
    }
    BOOST_OUTCOME_CO_TRY(co_await run_stage(context_, number, *stage));
    if (guest::Session* agent = context_.session()) {
      BOOST_OUTCOME_CO_TRY(
          co_await agent->ask(RequestKind::observe, 0, stage->size, context_.options().online));
      BOOST_OUTCOME_CO_TRY(context_.look());
    }
  }
}

Result<Report> ResizeOperation::finish(const Plan& plan, const Verified& verified) {
  Report result = report(Outcome::verified);
  result.limit = plan.limit;
  result.verified = verified;
  auto released = context_.xen().release_claim(context_.id());
  release_agent();
  if (released) released = journal_.end();
  if (released) return result;
  // The guest has its memory; a claim or a record is left, which the next resize takes away.
  result.outcome = Outcome::failed;
  return ended(released.error(), std::move(result));
}

host::Task<Report> ResizeOperation::give_up(Error error) {
  const bool suspended = context_.facts().domain.memory.shutdown == ShutdownReason::suspend;
  if (domain_went_away(error.cause) || suspended) co_return gone(std::move(error));
  if (error.cause == Cause::superseded) {
    // The other's word stands: only what nobody else knows of is given back.
    static_cast<void>(context_.xen().release_claim(context_.id()));
    release_agent();
    static_cast<void>(journal_.end());
    co_return ended(std::move(error), report(Outcome::superseded));
  }

  // A domain that is being saved is not shrunk under it: what it has travels with it.
  const bool keep =
      context_.options().on_failure == OnFailure::keep || error.cause == Cause::domain_migrating;
  const auto undone = co_await undo(context_, before_, keep);
  if (!undone) {
    if (domain_went_away(undone.error().cause)) co_return gone(undone.error());
    error.message += "; and undoing it failed: " + undone.error().message;
    co_return ended(std::move(error), report(Outcome::failed));
  }
  release_agent();
  const auto removed = journal_.end();
  Report result = report(undone.value().whole ? Outcome::restored : Outcome::kept);
  // Before the first stage nobody but the host's accounts saw anything of it.
  if (undone.value().whole && context_.stages_begun() == 0) result.outcome = Outcome::refused;
  if (!removed) result.outcome = Outcome::failed;
  result.limit = undone.value().limit;
  result.pool = undone.value().pool;
  co_return ended(std::move(error), std::move(result));
}

Error ResizeOperation::gone(Error error) {
  // The journal went with the domain; where the domain still stands, it is removed.
  static_cast<void>(context_.xen().release_claim(context_.id()));
  static_cast<void>(journal_.end());
  return ended(std::move(error), report(Outcome::gone));
}

void ResizeOperation::release_agent() {
  if (guest::Session* agent = context_.session()) {
    // It restores its policy by itself, later, where this doesn't reach it.
    static_cast<void>(agent->send(RequestKind::release, 0, Kib{}, context_.options().online));
  }
}

Report ResizeOperation::report(Outcome outcome) const {
  const plan::Input& facts = context_.facts();
  const DomainFacts& domain = facts.domain;
  Report report{.outcome = outcome,
                .domain = context_.domain(),
                .from = before_.size,
                .requested = before_.to,
                .reached = to_kib(domain.memory.total) - before_.settled_offset,
                .limit = domain.static_max.value_or(Kib{}),
                .pool = domain.paging_pool,
                .stages = context_.stages_begun(),
                .elapsed = context_.progress().elapsed(),
                .phases = context_.progress().times()};
  if (!facts.guest) return report;
  const AgentReport& guest = facts.guest->report;
  report.guest_total = guest.mem_total;
  if (outcome == Outcome::refused) return report;
  // Added blocks stay described after their memory was taken back.
  const auto sections = [](Kib size) {
    return round_up(std::max(size, Kib{}), plan::section) / plan::section;
  };
  const std::int64_t added = sections(facts.guest->hello.block_size * guest.blocks_added);
  const std::int64_t used = sections(report.reached - before_.present);
  report.residual =
      plan::memmap_of(context_.domain().type, std::max<std::int64_t>(0, added - used));
  return report;
}

Error ResizeOperation::refused(Error error) const {
  Report result = report(Outcome::refused);
  if (const auto size = context_.facts().domain.size()) {
    result.reached = plan::present_size(context_.facts().domain);
    const bool relative = request_.kind == SizeRequest::Kind::relative;
    result.from = *size;
    result.requested = relative ? *size + request_.amount : request_.amount;
  }
  return ended(std::move(error), std::move(result));
}

Error ResizeOperation::ended(Error error, Report report) const {
  report.cause = error.cause;
  report.message = error.message;
  report.hint = std::string{error.advice()};
  error.report = std::make_shared<const Report>(std::move(report));
  return error;
}

}  // namespace memctl::resize
