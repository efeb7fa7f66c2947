// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <string>
#include <utility>

#include "base/domain_error.hpp"
#include "memctl/size.hpp"
#include "plan/limits.hpp"
#include "resize/steps.hpp"

namespace memctl::resize {
namespace {

/// Others may have allocated since the plan was made. The claim holds what the operation needs;
/// what is left beside it must still be the reserve.
Result<void> require_reserve(Work& work, Kib to) {
  BOOST_OUTCOME_TRY(work.domain.read_host());
  const Kib left = to_kib(work.domain.facts().host.available());
  const Kib kept = work.domain.facts().terms.host_reserve;
  const Kib tables = plan::host_need(work.domain.facts(), to).tables;
  if (left >= kept + tables) return success();
  const std::string mapping =
      tables == Kib{} ? "" : ", with " + to_string(tables) + " more for the IOMMU's tables";
  return domain_error(work.domain.identity(), Cause::host_memory,
                      "the host would have " + to_string(std::max(Kib{}, left)) +
                          " left, and keeps " + to_string(kept) + " in reserve" + mapping);
}

/// Xen refuses a claim on what the domain has already. A balloon that was on its way by itself may
/// have arrived since the facts were read: then nothing has to be claimed.
Result<void> claim(Work& work, Pages goal) {
  auto claimed = work.port.hypervisor().claim(work.domain.id(), goal);
  if (claimed) return success();
  const auto read = work.domain.read_memory();
  const bool arrived = read && work.domain.facts().domain.memory.allocated >= goal;
  return arrived ? Result<void>{success()} : std::move(claimed);
}

}  // namespace

host::Task<void> reserve(Work& work, const Patience& patience, const Plan& plan) {
  work.progress.begin(Phase::reserve, 0, plan.from, plan.to);
  const DomainFacts& domain = work.domain.facts().domain;

  // The pool comes first: no claim can feed it, and a guest whose pool is empty dies.
  if (plan.pool_growth > Kib{}) {
    MEMCTL_CO_TRY(work.limits.set_pool(*plan.pool));
  }
  // Before the limit: with a larger limit and this pool the domain could not be restored.
  if (plan.stored_pool) {
    MEMCTL_CO_TRY(co_await work.limits.raise_frozen_pool(patience, *plan.stored_pool));
  }
  const Pages goal = plan::most_pages(work.domain.facts(), plan.to);
  if (goal > domain.memory.allocated) {
    MEMCTL_CO_TRY(work.refresh_memory(patience));
    // Xen refuses a claim above max_pages. The limit rises with the stages.
    MEMCTL_CO_TRY(work.limits.set_max_pages(plan.to + plan::max_pages_slack));
    MEMCTL_CO_TRY(claim(work, goal));
    MEMCTL_CO_TRY(require_reserve(work, plan.to));
  }
  work.progress.advance(plan.to);
  co_return success();
}

}  // namespace memctl::resize
