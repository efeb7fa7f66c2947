// SPDX-License-Identifier: LGPL-2.1-or-later
#include "resize/recover.hpp"

#include <memory>
#include <string>
#include <utility>

#include "base/domain_error.hpp"
#include "resize/journal.hpp"
#include "resize/reporting.hpp"
#include "resize/restore.hpp"

namespace memctl::resize {
namespace {

using boost::asio::awaitable;

/// Says why not everything is back, unless the operation had asked to keep what it reached.
void explain(Report& report, const Record& before, const Restored& restored) {
  if (restored.whole || before.keep) return;
  const Error reason = restored.reason.value_or(
      domain_error(report.domain, Cause::guest_pressure, "the guest needs the memory that it has"));
  report.cause = reason.cause;
  report.message = reason.message;
  report.hint = std::string{reason.advice()};
}

/// Whether restoring would give the guest memory back, from what the host has free.
bool takes_host_memory(const Work& work, const Record& before) {
  return !before.keep && work.agent.answers() &&
         plan::present_size(work.domain.facts()) < before.size;
}

host::Task<Report> bring_back(Work& work, const Record& before, Turns* turns) {
  MEMCTL_CO_TRY(work.open());
  MEMCTL_CO_TRY(co_await work.gather(work.unhurried));
  Turns::Turn turn;
  if (turns != nullptr && takes_host_memory(work, before)) {
    const bool waits = turns->taken();
    turn = co_await turns->take(work.port.clock(), work.wakeup);
    if (waits) {  // the facts are from before
      MEMCTL_CO_TRY(co_await work.gather(work.unhurried));
    }
  }
  work.limits.hold();
  MEMCTL_CO_TRY(work.domain.require_running());
  if (work.domain.facts().domain.memory.paused) {
    // It gives nothing back while it is paused: its record waits with it.
    co_return domain_error(work.domain.identity(), Cause::domain_paused, "the domain is paused");
  }
  // Nobody knows how far the dead process came, so one of its stages counts: the pool stays.
  work.stages_begun = 1;
  BOOST_OUTCOME_CO_TRY(const Restored restored, co_await restore(work, before, before.keep));
  Report report = report_on(work, before, restored.whole ? Outcome::restored : Outcome::kept);
  report.reached = restored.size;
  report.limit = restored.limit;
  report.pool = restored.pool;
  explain(report, before, restored);
  co_return report;
}

/// Ends a recovery that could not restore everything, and leaves the record to whom it belongs.
awaitable<Error> unfinished(Work& work, const std::shared_ptr<Journal>& journal,
                            const Record& before, Error error) {
  error = work.domain.reason_of(std::move(error));
  if (has_ended(error.cause)) co_return gone(work, journal, before, error);
  if (error.cause == Cause::superseded) {
    co_return co_await left_to_another(work, work.unhurried, *journal, before, error);
  }
  leave_record(work, journal, before);
  if (work.limits.unanswered() != nullptr) error.hint = once_answered(work.domain.identity());
  if (work.stages_begun == 0) co_return error;
  co_return ended(error, report_on(work, before, Outcome::failed));
}

}  // namespace

host::Task<std::optional<Report>> recover_leftover(host::Port& port, DomainIdentity domain,
                                                   ResizeOptions options, Turns* turns) {
  MEMCTL_CO_TRY(require_same(port, domain));
  const auto journal = std::make_shared<Journal>(port.store(), domain);
  BOOST_OUTCOME_CO_TRY(const auto left, journal->take_over(port));
  if (!left) co_return std::optional<Report>{};
  // What the dead operation gave can come back only if the agent says what is safe.
  options.agentless = false;
  const Question question = question_of(options);
  Work work{port, std::move(domain), std::move(options), question};
  auto report = co_await bring_back(work, *left, turns);
  if (!report) co_return co_await unfinished(work, journal, *left, report.error());
  work.agent.release();
  const auto removed = journal->end();
  if (!removed) co_return co_await unfinished(work, journal, *left, removed.error());
  co_return std::optional{std::move(report).value()};
}

host::Task<Recovery> recover(host::Port& port, DomainIdentity domain, ResizeOptions options,
                             Turns* turns) {
  Recovery recovery;
  BOOST_OUTCOME_CO_TRY(recovery.report,
                       co_await recover_leftover(port, domain, std::move(options), turns));
  if (recovery.report) co_return recovery;
  BOOST_OUTCOME_CO_TRY(const DomainMemory memory, port.hypervisor().domain_memory(domain.id));
  if (memory.claim == Pages{}) co_return recovery;
  // An operation that has just begun claims for itself, and made its record before that.
  BOOST_OUTCOME_CO_TRY(const auto record, Journal(port.store(), domain).read());
  if (!record) recovery.unknown_claim = to_kib(memory.claim);
  co_return recovery;
}

}  // namespace memctl::resize
