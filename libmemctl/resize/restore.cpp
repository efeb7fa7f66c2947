// SPDX-License-Identifier: LGPL-2.1-or-later
#include "resize/restore.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "memctl/size.hpp"
#include "plan/limits.hpp"
#include "resize/headway.hpp"
#include "resize/steps.hpp"

namespace memctl::resize {
namespace {

/// The size that the domain has by Xen's page count. It is the earlier size if the count has not
/// moved, or if it has arrived where the domain was on its way to. Past its limits it is no more
/// than Xen's count: a guest that lies about what it had makes it look larger by its video RAM.
Kib size_now(const DomainFacts& domain, const Record& before) {
  const Kib now = plan::measured_size(domain, before.settled_offset);
  const auto is_near = [&](Kib size) {
    return now <= size + plan::max_pages_slack && size <= now + plan::max_pages_slack;
  };
  if (is_near(before.present) || is_near(before.size)) return before.size;
  const Kib counted = to_kib(domain.memory.allocated) - plan::max_pages_slack;
  return std::min(now, std::max({before.to, before.limit, counted}));
}

/// Walks back to the earlier size, if there is an agent to say what is safe. Returns why it stopped
/// before that.
host::Task<Walked> walk_back(Work& work, const Record& before) {
  if (!work.agent.answers()) co_return Walked{work.agent.error()};
  const Patience patience = patience_for_way(work, work.unhurried, before.size);
  const Way way{.goal = before.size,
                .patience = patience,
                .restores = true,
                .lowest_limit = before.limit,
                .size_before = before.present,
                .host_reserve = work.domain.facts().terms.host_reserve};
  co_return co_await walk(work, way);
}

/// The pool that the operation may have put into the stored configuration, if that fixes it now.
std::optional<Kib> stored_by_the_operation(DomainFacts domain, const Record& before) {
  const auto fixed = std::exchange(domain.frozen_pool, before.frozen_pool);
  const auto raised = plan::frozen_pool_needed(domain, std::max(before.to, before.limit));
  return fixed == raised ? raised : std::nullopt;
}

}  // namespace

host::Task<Restored> restore(Work& work, const Record& before, bool keep) {
  const Patience& patience = work.unhurried;
  HeldLimits& limits = work.limits;
  const DomainFacts& domain = work.domain.facts().domain;
  MEMCTL_CO_TRY(limits.refresh_limits());
  // Before the first stage nothing of ours has moved the domain, wherever it is on its way to.
  const bool moved = work.stages_begun > 0;
  if (moved) {
    // This stops the guest at once. What it took until libxl has set the target, it would have to
    // give back from its kernel's own memory, wherever the added memory lies.
    MEMCTL_CO_TRY(limits.set_max_pages(to_kib(domain.memory.allocated)));
  }
  MEMCTL_CO_TRY(work.port.hypervisor().release_claim(work.domain.id()));
  MEMCTL_CO_TRY(limits.refresh_limits());
  Restored restored{.size = moved ? size_now(domain, before) : before.size, .pool = domain.pool};
  work.progress.begin(Phase::restore, 0, restored.size, keep ? restored.size : before.size);

  if (restored.size != before.size) {
    // The target stays where the domain is, unless the domain gets back at once what it gave.
    const bool gets_back = !keep && restored.size < before.size && work.agent.answers();
    if (!gets_back) {
      MEMCTL_CO_TRY(co_await limits.set_size(patience, restored.size, before.limit));
    }
    if (!keep) {
      BOOST_OUTCOME_CO_TRY(const Walked walked, co_await walk_back(work, before));
      restored.reason = walked.stopped;
    }
    MEMCTL_CO_TRY(limits.refresh_limits());
    restored.size = size_now(domain, before);
  }
  restored.whole = restored.size == before.size;
  restored.limit = std::max(before.limit, restored.size);

  if (domain.size() != restored.size) {
    // A shrink lowers max_pages, and on pvh and hvm libxl refuses a target above it. This call
    // raises both; max_pages gets its own value below.
    MEMCTL_CO_TRY(co_await limits.set_size(patience, restored.size, before.limit));
  }
  // libxl's call also sets max_pages, too high for an instant: it is not made if the limit stands.
  if (!limits.has_limit(restored.limit)) {
    MEMCTL_CO_TRY(co_await limits.set_limit(patience, restored.limit));
  }
  // libxl derives max_pages from the other limits, so its earlier value has to be set by itself.
  const Kib max_pages = restored.whole
                            ? before.max_pages
                            : std::max(before.max_pages, restored.size + plan::max_pages_slack);
  MEMCTL_CO_TRY(limits.set_max_pages(max_pages));
  // A domain that grows by another tool's target takes from the pool what it finds there.
  const bool grows = before.present + plan::max_pages_slack < before.size ||
                     plan::measured_size(domain, before.settled_offset) > before.present;
  const bool pool_returns = !moved && !grows;
  // Before the pool: the stored pool is never larger than the pool.
  if (const auto ours = stored_by_the_operation(domain, before);
      ours && restored.whole && (pool_returns || domain.pool == before.pool)) {
    MEMCTL_CO_TRY(co_await limits.return_frozen_pool(patience, *ours, *before.frozen_pool));
  }
  if (pool_returns && domain.pool != before.pool) {
    MEMCTL_CO_TRY(limits.set_pool(*before.pool));
    restored.pool = before.pool;
  }
  work.progress.advance(restored.size);
  co_return restored;
}

}  // namespace memctl::resize
