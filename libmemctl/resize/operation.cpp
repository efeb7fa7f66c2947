// SPDX-License-Identifier: LGPL-2.1-or-later
#include "resize/operation.hpp"

#include <memory>
#include <string>
#include <utility>

#include "plan/plan.hpp"
#include "resize/recover.hpp"
#include "resize/reporting.hpp"

namespace memctl::resize {

ResizeOperation::ResizeOperation(host::Port& port, DomainIdentity domain, SizeRequest request,
                                 ResizeOptions options)
    : context_{port, std::move(domain), std::move(options)},
      journal_{std::make_shared<Journal>(port.store(), context_.id())},
      request_{request} {}

host::Task<Report> ResizeOperation::run() {
  // 1 and 2: facts, and the decision. Nothing has been touched.
  auto plan = co_await decide();
  if (!plan) co_return undecided(plan.error());

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
  co_return co_await restore_or_keep(step.error());
}

host::Task<Plan> ResizeOperation::decide() {
  context_.progress().begin(Phase::facts, 0, Kib{}, Kib{});
  BOOST_OUTCOME_CO_TRY(context_.open());
  // A process that died in the middle left its record: what it began is undone first. Of one that
  // lives the figures would be half-way: `busy`.
  BOOST_OUTCOME_CO_TRY(
      const auto recovered,
      co_await recover_leftover(context_.port(), context_.domain(), context_.options()));
  if (recovered) context_.restart_deadline();
  BOOST_OUTCOME_CO_TRY(const plan::Input facts, co_await context_.gather());
  auto plan = plan::make_plan(facts, request_);
  if (!plan) co_return explained(plan.error(), context_.agent_error());
  BOOST_OUTCOME_CO_TRY(context_.look());
  co_return plan;
}

/// Of two that begin at once, one gets in the way of the other's questions and limits before its
/// record tells of it.
Error ResizeOperation::undecided(Error error) {
  if (error.report) return error;  // a recovery's
  const auto free = journal_->require_free(context_.port());
  if (!free && free.error().cause == Cause::busy) return refused(free.error());
  return refused(context_.reason_of(std::move(error)));
}

Result<void> ResizeOperation::write_journal(const Plan& plan) {
  const DomainFacts& domain = context_.facts().domain;
  before_ = Record{.owner = context_.port().self(),
                   .operation = context_.operation(),
                   .size = plan.from,
                   .present = plan::present_size(domain),
                   .limit = plan.earlier_limit,
                   .max_pages = domain.memory.max_pages,
                   .pool = domain.pool,
                   .settled_offset = plan::settled_offset(domain),
                   .to = plan.to,
                   .keep = context_.options().on_failure == OnFailure::keep};
  if (context_.facts().guest) report_before_ = context_.facts().guest->report;
  return journal_->begin(before_);
}

host::Task<void> ResizeOperation::walk(Kib goal) {
  Approach approach{goal};
  for (int number = 1;; ++number) {
    BOOST_OUTCOME_CO_TRY(auto stage, plan::next_stage(context_.facts(), goal));
    if (!stage) {
      // A domain may have the size already, and a target that asks for another.
      if (context_.facts().domain.size() == goal) co_return success();
      co_return co_await context_.set_size(goal);
    }
    // A balloon that gave up on a size wakes for another one only: one page less goes first.
    if (stage->host_memory > Kib{} && context_.facts().domain.size() == stage->size) {
      stage->size -= kib_per_page;
    }
    BOOST_OUTCOME_CO_TRY(approach.begin_stage(*stage));
    BOOST_OUTCOME_CO_TRY(co_await run_stage(context_, number, *stage));
    BOOST_OUTCOME_CO_TRY(co_await context_.consult(RequestKind::observe, 0, stage->size));
  }
}

Result<Report> ResizeOperation::finish(const Plan& plan, const Verified& verified) {
  Report result = report(Outcome::verified);
  result.limit = plan.limit;
  result.verified = verified;
  auto released = context_.xen().release_claim(context_.id());
  context_.release_agent();
  if (released) released = journal_->end();
  if (released) return result;
  const Error reason = context_.reason_of(released.error());
  if (has_gone(reason)) return gone(context_, journal_, before_, reason);
  // The guest has its memory and keeps it; a claim or a record is left to whoever recovers it.
  before_.keep = true;
  static_cast<void>(journal_->disown(before_));
  result.outcome = Outcome::failed;
  return ended(reason, std::move(result));
}

/// A suspended domain goes on elsewhere, or later under another number.
bool ResizeOperation::has_gone(const Error& error) const {
  return domain_went_away(error.cause) ||
         context_.facts().domain.memory.shutdown == ShutdownReason::suspend;
}

/// The end of an operation whose domain is no longer its to change, and nothing of any other.
boost::asio::awaitable<std::optional<Error>> ResizeOperation::let_go(Error error) {
  error = context_.reason_of(std::move(error));
  if (has_gone(error)) co_return gone(context_, journal_, before_, error);
  if (error.cause != Cause::superseded) co_return std::nullopt;
  co_return co_await left_to_another(context_, *journal_, before_, error);
}

/// The end of an operation of which a call may yet take effect, after all that could be undone now.
Error ResizeOperation::left_to_libxl(Error error) {
  context_.unanswered()->keep(journal_);
  error.hint = once_answered(context_.domain());
  return ended(std::move(error), report(Outcome::failed));
}

host::Task<Report> ResizeOperation::restore_or_keep(Error error) {
  if (auto end = co_await let_go(error)) co_return std::move(*end);
  if (context_.unanswered() != nullptr) co_return left_to_libxl(std::move(error));
  // A domain that is being saved is not shrunk under it: what it has travels with it.
  const bool keep =
      context_.options().on_failure == OnFailure::keep || error.cause == Cause::domain_migrating;
  const auto undone = co_await undo(context_, before_, keep);
  if (!undone) {
    if (auto end = co_await let_go(undone.error())) co_return std::move(*end);
    error.message += "; and undoing it failed: " + undone.error().message;
    if (context_.unanswered() != nullptr) co_return left_to_libxl(std::move(error));
    static_cast<void>(journal_->disown(before_));
    co_return ended(std::move(error), report(Outcome::failed));
  }
  context_.release_agent();
  const auto removed = journal_->end();
  Report result = report(undone.value().whole ? Outcome::restored : Outcome::kept);
  // Before the first stage nobody but the host's accounts saw anything of it.
  if (undone.value().whole && context_.stages_begun() == 0) result.outcome = Outcome::refused;
  if (!removed) {
    static_cast<void>(journal_->disown(before_));
    result.outcome = Outcome::failed;
  }
  if (result.outcome != Outcome::refused) result.reached = undone.value().size;
  result.limit = undone.value().limit;
  result.pool = undone.value().pool;
  co_return ended(std::move(error), std::move(result));
}

Report ResizeOperation::report(Outcome outcome) const {
  return report_on(context_, before_, outcome);
}

Error ResizeOperation::refused(Error error) const {
  Report result = report(Outcome::refused);
  result.reached = Kib{};
  if (const auto size = context_.facts().domain.size()) {
    result.reached = plan::present_size(context_.facts().domain);
    const bool relative = request_.kind == SizeRequest::Kind::relative;
    result.from = *size;
    result.requested = relative ? *size + request_.amount : request_.amount;
  }
  return ended(std::move(error), std::move(result));
}

}  // namespace memctl::resize
