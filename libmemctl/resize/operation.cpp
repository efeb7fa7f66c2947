// SPDX-License-Identifier: LGPL-2.1-or-later
#include "resize/operation.hpp"

#include <utility>

#include "memctl/size.hpp"
#include "plan/plan.hpp"
#include "resize/recover.hpp"
#include "resize/reporting.hpp"
#include "resize/restore.hpp"
#include "resize/steps.hpp"

namespace memctl::resize {
namespace {

Ending ending(Result<Report> result) { return std::make_unique<Result<Report>>(std::move(result)); }

}  // namespace

ResizeOperation::ResizeOperation(host::Port& port, DomainIdentity domain, SizeRequest request,
                                 ResizeOptions options)
    : ResizeOperation{port, std::move(domain), request, options, question_of(options)} {}

ResizeOperation::ResizeOperation(host::Port& port, DomainIdentity domain, SizeRequest request,
                                 ResizeOptions options, const Question& question)
    : work_{port, std::move(domain), std::move(options), question},
      wish_{port.clock(),          work_.wakeup,
            work_.progress,        work_.domain.identity(),
            work_.options.timeout, [this] { return how_far(); }},
      patience_{port.clock(), work_.wakeup, work_.domain.identity(), work_.options.stall, &wish_},
      journal_{std::make_shared<Journal>(port.store(), work_.domain.identity())},
      request_{request} {}

boost::asio::awaitable<Ending> ResizeOperation::run() {
  // 1 and 2: facts, and the decision. Nothing has been touched.
  auto plan = co_await decide();
  if (!plan) co_return ending(undecided(plan.error()));

  // 3: the journal, which is the lock too.
  if (auto written = write_journal(*plan.value()); !written) {
    co_return ending(refused(written.error()));
  }

  // 4: pool, stored pool, max_pages, claim.
  auto failure = host::failure_of(co_await reserve(work_, patience_, *plan.value()));

  // 5: stage by stage, each decided on fresh figures.
  const Kib limit = plan.value()->limit;
  plan.value().reset();  // frees its memory: the stages take longest, and do not use it
  if (!failure) failure = host::failure_of(co_await take_stages(limit));

  // 6: all three layers.
  if (!failure) {
    const auto verified = co_await verify(work_, patience_, before_, report_before_);
    if (verified) co_return ending(finish(limit, verified.value()));
    failure = std::make_unique<Error>(verified.error());
  }

  // 7: otherwise.
  co_return co_await restore_or_keep(std::move(failure));
}

void ResizeOperation::on_event_threw(std::string what) {
  work_.progress.on_event_threw(std::move(what));
  work_.wakeup.notify();
}

host::Task<void> ResizeOperation::gather_facts() {
  work_.progress.begin(Phase::facts, 0, Kib{}, Kib{});
  MEMCTL_CO_TRY(work_.open());
  // A process that died in the middle left its record: what it began is restored first. If its
  // process lives, the domain's figures are half-way, and the answer is `busy`.
  BOOST_OUTCOME_CO_TRY(
      const auto recovered,
      co_await recover_leftover(work_.port, work_.domain.identity(), work_.options));
  if (recovered) wish_.restart_deadline();
  MEMCTL_CO_TRY(co_await work_.gather(patience_));
  MEMCTL_CO_TRY(work_.domain.read_save());
  work_.limits.hold();
  co_return success();
}

host::Task<std::unique_ptr<const Plan>> ResizeOperation::decide() {
  MEMCTL_CO_TRY(co_await gather_facts());
  auto plan = plan::make_plan(work_.domain.facts(), request_);
  if (!plan) co_return explained(plan.error(), work_.agent.error());
  MEMCTL_CO_TRY(work_.refresh_memory(patience_));
  co_return std::make_unique<const Plan>(std::move(plan).value());
}

/// Two operations that start together can disturb each other before either has written its record.
/// If that may have happened, reports `busy`.
Error ResizeOperation::undecided(Error error) {
  if (error.report) return error;  // a recovery's
  if (error.cause == Cause::no_such_domain) return refused(work_.domain.reason_of(error));
  const auto free = journal_->require_free(work_.port);
  if (!free && free.error().cause == Cause::busy) return refused(free.error());
  return refused(work_.domain.reason_of(std::move(error)));
}

Result<void> ResizeOperation::write_journal(const Plan& plan) {
  const plan::Input& facts = work_.domain.facts();
  before_ = Record{.owner = work_.port.self(),
                   .operation = work_.agent.operation(),
                   .size = plan.from,
                   .present = plan::present_size(facts),
                   .limit = plan.earlier_limit,
                   .max_pages = facts.domain.memory.max_pages,
                   .pool = facts.domain.pool,
                   .frozen_pool = facts.domain.frozen_pool,
                   .settled_offset = plan::settled_offset(facts),
                   .to = plan.to,
                   .keep = work_.options.on_failure == OnFailure::keep};
  if (facts.guest) report_before_ = facts.guest->report;
  work_.nodes_before = facts.host.nodes;
  return journal_->begin(before_);
}

host::Task<void> ResizeOperation::take_stages(Kib limit) {
  const Kib goal = before_.to;
  // While an hvm guest is on its way to giving its video RAM up, its size, and so a stage, can lie
  // above its limit. The limit then comes down again with the size.
  const Patience patience = patience_for_way(work_, patience_, goal);
  const Way way{.goal = goal, .patience = patience, .lowest_limit = limit};
  auto walked = co_await walk(work_, way);
  if (!walked) co_return std::move(walked).error();
  if (walked.value().stopped) co_return *std::move(walked.value().stopped);
  // A domain may have the size without a stage, and a target that asks for another, or a max_pages
  // below it.
  const DomainFacts& domain = work_.domain.facts().domain;
  if (domain.size() == goal && domain.memory.max_pages >= goal) co_return success();
  ++work_.stages_begun;
  co_return co_await work_.limits.set_size(patience_, goal, limit);
}

Result<Report> ResizeOperation::finish(Kib limit, const Verified& verified) {
  Report result = report(Outcome::verified);
  result.limit = limit;
  result.verified = verified;
  auto released = work_.port.hypervisor().release_claim(work_.domain.id());
  work_.agent.release();
  if (released) released = journal_->end();
  if (released) return result;
  const Error reason = work_.domain.reason_of(released.error());
  if (has_gone(reason)) return gone(work_, journal_, before_, reason);
  // The guest has its memory and keeps it. The claim or the record is left to the next recovery.
  before_.keep = true;
  static_cast<void>(journal_->disown(before_));
  result.outcome = Outcome::failed;
  return ended(reason, std::move(result));
}

boost::asio::awaitable<Ending> ResizeOperation::restore_or_keep(std::unique_ptr<Error> why) {
  Error& error = *why;
  if (auto end = co_await let_go(patience_, error)) co_return ending(std::move(*end));
  if (work_.limits.unanswered() != nullptr) co_return ending(left_to_libxl(std::move(error)));
  // A domain that is being saved is not shrunk meanwhile: what it has travels with it.
  const bool keep =
      work_.options.on_failure == OnFailure::keep || error.cause == Cause::domain_migrating;
  const auto restored = co_await restore(work_, before_, keep);
  if (!restored) {
    if (auto end = co_await let_go(work_.unhurried, restored.error()))
      co_return ending(std::move(*end));
    error.message += "; restoring failed: " + restored.error().message;
    if (work_.limits.unanswered() != nullptr) co_return ending(left_to_libxl(std::move(error)));
    static_cast<void>(journal_->disown(before_));
    co_return ending(ended(std::move(error), report(Outcome::failed)));
  }
  // Say why not everything is back, unless it is what ended the resize.
  const auto& reason = restored.value().reason;
  if (!restored.value().whole && reason && reason->cause != error.cause) {
    error.message += "; restoring stopped: " + reason->message;
  }
  work_.agent.release();
  const auto removed = journal_->end();
  Report result = report(restored.value().whole ? Outcome::restored : Outcome::kept);
  // Before the first stage only the host's accounts saw anything of it.
  if (restored.value().whole && work_.stages_begun == 0) {
    result.outcome = Outcome::refused;
    result.numa_estimate.reset();
  }
  if (!removed) {
    static_cast<void>(journal_->disown(before_));
    result.outcome = Outcome::failed;
  }
  if (result.outcome != Outcome::refused) result.reached = restored.value().size;
  result.limit = restored.value().limit;
  result.pool = restored.value().pool;
  co_return ending(ended(std::move(error), std::move(result)));
}

/// A suspended domain goes on elsewhere, or later under another number.
bool ResizeOperation::has_gone(const Error& error) const {
  return has_ended(error.cause) ||
         work_.domain.facts().domain.memory.shutdown == ShutdownReason::suspend;
}

/// Ends the operation if the domain is no longer its to change.
boost::asio::awaitable<std::optional<Error>> ResizeOperation::let_go(const Patience& patience,
                                                                     Error error) {
  error = work_.domain.reason_of(std::move(error));
  if (has_gone(error)) co_return gone(work_, journal_, before_, error);
  if (error.cause != Cause::superseded) co_return std::nullopt;
  co_return co_await left_to_another(work_, patience, *journal_, before_, error);
}

/// Ends the operation while a call of it may still take effect: what that call may set is not
/// restored now.
Error ResizeOperation::left_to_libxl(Error error) {
  work_.limits.unanswered()->keep(journal_);
  error.hint = once_answered(work_.domain.identity());
  return ended(std::move(error), report(Outcome::failed));
}

Report ResizeOperation::report(Outcome outcome) const { return report_on(work_, before_, outcome); }

Error ResizeOperation::refused(Error error) const {
  const DomainFacts& domain = work_.domain.facts().domain;
  Report result = report(Outcome::refused);
  const bool relative = request_.kind == SizeRequest::Kind::relative;
  result.reached = Kib{};
  if (!relative) result.requested = request_.amount;
  if (const auto size = domain.size()) {
    result.reached = plan::present_size(work_.domain.facts());
    result.from = *size;
    if (relative) result.requested = *size + request_.amount;
  }
  return ended(std::move(error), std::move(result));
}

/// Once there is a plan: " at 1102 of 3072 MiB", or " at 910 MiB on the way down to 400 MiB".
std::string ResizeOperation::how_far() const {
  const Kib to = before_.to;
  if (to == Kib{}) return {};
  const Kib reached = reached_size(work_.domain.facts(), before_);
  if (reached > to) {
    return " at " + to_string(round_down(reached, 1_MiB)) + " on the way down to " + to_string(to);
  }
  const bool whole = to == round_down(to, 1_MiB);
  return " at " + std::to_string(reached / (whole ? 1_MiB : 1_KiB)) + " of " +
         std::to_string(to / (whole ? 1_MiB : 1_KiB)) + (whole ? " MiB" : " KiB");
}

}  // namespace memctl::resize
