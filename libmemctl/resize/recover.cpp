// SPDX-License-Identifier: LGPL-2.1-or-later
#include "resize/recover.hpp"

#include <memory>
#include <string>
#include <utility>

#include "resize/context.hpp"
#include "resize/journal.hpp"
#include "resize/reporting.hpp"
#include "resize/steps.hpp"

namespace memctl::resize {
namespace {

using boost::asio::awaitable;

/// Says why it is not whole, where that was not asked for.
void explain(Report& report, const Record& before, const Undone& undone) {
  if (undone.whole || before.keep) return;
  const Error reason = undone.reason.value_or(
      Error{.cause = Cause::guest_pressure, .message = "the guest needs what it has"});
  report.cause = reason.cause;
  report.message = reason.message;
  report.hint = std::string{reason.advice()};
}

host::Task<Report> bring_back(Context& context, const Record& before) {
  BOOST_OUTCOME_CO_TRY(context.open());
  BOOST_OUTCOME_CO_TRY(co_await context.gather());
  BOOST_OUTCOME_CO_TRY(context.check_life());
  if (context.facts().domain.memory.paused) {
    // It gives nothing back while it is paused: its record waits with it.
    co_return Error{.cause = Cause::domain_paused, .message = "the domain is paused"};
  }
  context.count_stage();  // nobody knows how far it came: its pool stays
  BOOST_OUTCOME_CO_TRY(const Undone undone, co_await undo(context, before, before.keep));
  Report report = report_on(context, before, undone.whole ? Outcome::restored : Outcome::kept);
  report.reached = undone.size;
  report.limit = undone.limit;
  report.pool = undone.pool;
  explain(report, before, undone);
  co_return report;
}

/// What could not be undone, and whose it is from now on.
awaitable<Error> unfinished(Context& context, const std::shared_ptr<Journal>& journal,
                            const Record& before, Error error) {
  error = context.reason_of(std::move(error));
  if (domain_went_away(error.cause)) co_return gone(context, journal, before, error);
  if (error.cause == Cause::superseded) {
    co_return co_await left_to_another(context, *journal, before, error);
  }
  leave_record(context, journal, before);
  if (context.unanswered() != nullptr) error.hint = once_answered(context.domain());
  if (context.stages_begun() == 0) co_return error;
  co_return ended(error, report_on(context, before, Outcome::failed));
}

}  // namespace

host::Task<std::optional<Report>> recover_leftover(host::Port& port, DomainIdentity domain,
                                                   ResizeOptions options) {
  const auto journal = std::make_shared<Journal>(port.store(), domain.id);
  BOOST_OUTCOME_CO_TRY(const auto left, journal->take_over(port));
  if (!left) co_return std::optional<Report>{};
  options.timeout.reset();  // a resize's own: what it finds is brought back whole
  Context context{port, std::move(domain), std::move(options)};
  auto report = co_await bring_back(context, *left);
  if (!report) co_return co_await unfinished(context, journal, *left, report.error());
  context.release_agent();
  const auto removed = journal->end();
  if (!removed) co_return co_await unfinished(context, journal, *left, removed.error());
  co_return std::optional{std::move(report).value()};
}

host::Task<Recovery> recover(host::Port& port, DomainIdentity domain, ResizeOptions options) {
  const DomainId id = domain.id;
  Recovery recovery;
  BOOST_OUTCOME_CO_TRY(recovery.report,
                       co_await recover_leftover(port, std::move(domain), std::move(options)));
  if (recovery.report) co_return recovery;
  BOOST_OUTCOME_CO_TRY(const DomainMemory memory, port.hypervisor().domain_memory(id));
  if (memory.claim == Pages{}) co_return recovery;
  // An operation that has begun meanwhile claims for itself: its record was made first.
  BOOST_OUTCOME_CO_TRY(const auto record, Journal(port.store(), id).read());
  if (!record) recovery.unknown_claim = to_kib(memory.claim);
  co_return recovery;
}

}  // namespace memctl::resize
