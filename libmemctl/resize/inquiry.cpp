// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What can be asked of a domain without an operation.
#include <utility>

#include "plan/plan.hpp"
#include "resize/operation.hpp"

namespace memctl::resize {

Error explained(Error refusal, const std::optional<Error>& agent_error) {
  if (refusal.cause == Cause::agent_absent && agent_error) return *agent_error;
  return refusal;
}

host::Task<Plan> plan_only(host::Port& port, DomainIdentity domain, SizeRequest request,
                           ResizeOptions options) {
  Context context{port, std::move(domain), std::move(options)};
  BOOST_OUTCOME_CO_TRY(context.open());
  BOOST_OUTCOME_CO_TRY(const plan::Input facts, co_await context.gather());
  auto plan = plan::make_plan(facts, request);
  if (!plan) co_return explained(plan.error(), context.agent_error());
  co_return plan;
}

host::Task<DomainStatus> status_of(host::Port& port, DomainIdentity domain, ResizeOptions options) {
  Context context{port, std::move(domain), std::move(options)};
  BOOST_OUTCOME_CO_TRY(context.open());
  BOOST_OUTCOME_CO_TRY(const plan::Input facts, co_await context.gather());
  DomainStatus status{.domain = context.domain(),
                      .allocated = to_kib(facts.domain.memory.allocated),
                      .target = facts.domain.size().value_or(Kib{}),
                      .limit = facts.domain.limit,
                      .max_pages = facts.domain.memory.max_pages,
                      .boot_limit = facts.domain.boot_limit,
                      .pool = facts.domain.pool};
  if (facts.guest) {
    const AgentHello& hello = facts.guest->hello;
    status.agent = AgentStatus{.version = hello.agent_version,
                               .kernel_release = hello.kernel_release,
                               .block_size = hello.block_size};
    status.reported_total = facts.guest->report.mem_total;
    status.reported_available = facts.guest->report.mem_available;
  }
  auto range = plan::range_of(facts);
  if (range) {
    status.range = std::move(range).value();
  } else {
    const Error refusal = explained(std::move(range).error(), context.agent_error());
    status.refused_by = refusal.cause;
    status.refused_message = refusal.message;
  }
  co_return status;
}

}  // namespace memctl::resize
