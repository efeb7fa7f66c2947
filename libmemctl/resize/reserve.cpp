// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <string>
#include <utility>

#include "memctl/size.hpp"
#include "plan/limits.hpp"
#include "resize/steps.hpp"

namespace memctl::resize {
namespace {

/// Others may have allocated since the plan was made: the claim holds what we need, and what is
/// left beside it must still be the reserve.
Result<void> check_reserve(Context& context) {
  BOOST_OUTCOME_TRY(context.facts().host, context.xen().host_facts());
  const Kib left = to_kib(context.facts().host.available());
  const Kib reserve = context.options().host_reserve;
  if (left >= reserve) return success();
  return Error{.cause = Cause::host_memory,
               .message = "the host would have " + to_string(std::max(Kib{}, left)) +
                          " left, and " + to_string(reserve) + " are kept in reserve"};
}

/// Xen refuses a claim on what the domain has already: a balloon that was on its way by itself may
/// have arrived since the facts were read.
Result<void> claim(Context& context, Pages goal) {
  auto claimed = context.xen().claim(context.id(), goal);
  if (claimed) return success();
  const auto memory = context.xen().domain_memory(context.id());
  if (!memory || memory.value().allocated < goal) return std::move(claimed).error();
  context.facts().domain.memory = memory.value();
  return success();
}

}  // namespace

host::Task<void> reserve(Context& context, const Plan& plan) {
  context.progress().begin(Phase::reserve, 0, plan.from, plan.to);
  const DomainFacts& domain = context.facts().domain;

  // The pool comes first: no claim can feed it, and a dry one kills.
  if (plan.pool_growth > Kib{}) {
    context.facts().domain.pool.reset();  // where that fails, nobody knows what it did
    BOOST_OUTCOME_CO_TRY(context.xen().set_pool(context.id(), *plan.pool));
    context.facts().domain.pool = plan.pool;
  }
  const Pages goal = plan::settled_pages(domain, plan.to);
  if (goal > domain.memory.allocated) {
    BOOST_OUTCOME_CO_TRY(context.look());
    // Xen refuses a claim above max_pages. static-max goes with the stages.
    BOOST_OUTCOME_CO_TRY(context.set_max_pages(plan.to + plan::max_pages_slack));
    BOOST_OUTCOME_CO_TRY(claim(context, goal));
    BOOST_OUTCOME_CO_TRY(check_reserve(context));
  }
  context.progress().advance(plan.to);
  co_return success();
}

}  // namespace memctl::resize
