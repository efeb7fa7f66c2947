// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <optional>

#include "memctl/size.hpp"
#include "plan/plan.hpp"
#include "resize/steps.hpp"

namespace memctl::resize {
namespace {

Error no_host_memory(Kib wanted) {
  return {.cause = Cause::host_memory,
          .message = "the host has no " + to_string(wanted) + " to give back to the domain"};
}

/// Goes back to `goal` in stages, each decided on what the agent and the host say then. Ends early,
/// as a success that tells the `reason`, where the guest needs what it has, says nothing, or the
/// host has no memory to give.
host::Task<void> walk_back(Context& context, Kib goal, std::optional<Error>& reason) {
  Approach approach{goal};
  for (int number = 1;; ++number) {
    if (context.session() == nullptr) {
      reason = context.agent_error();
      co_return success();
    }
    // Figures from before the last stage would let the next one take the same memory again. A guest
    // that is to get its memory back may need it at once: its last figures do.
    if (number > 1 || plan::present_size(context.facts().domain) >= goal) {
      const auto asked = co_await context.consult(RequestKind::observe, 0, goal);
      if (!asked) {
        BOOST_OUTCOME_CO_TRY(context.look());
        reason = asked.error();
        co_return success();
      }
    }
    const auto stage = plan::next_stage(context.facts(), goal);
    if (!stage) reason = stage.error();
    if (!stage || !stage.value()) co_return success();
    if (auto nearer = approach.begin_stage(*stage.value()); !nearer) {
      reason = nearer.error();
      co_return success();
    }
    const Kib needed = stage.value()->host_memory;
    BOOST_OUTCOME_CO_TRY(context.facts().host, context.xen().host_facts());
    const Kib left = to_kib(context.facts().host.available()) - needed;
    if (left < context.options().host_reserve) {
      reason = no_host_memory(needed);
      co_return success();
    }
    const auto reached = co_await run_stage(context, number, *stage.value());
    if (reached) continue;
    if (reached.error().cause == Cause::superseded || context.unanswered() != nullptr) {
      co_return reached.error();
    }
    reason = reached.error();
    co_return success();
  }
}

/// The size that the domain has by Xen's page count; the earlier one where that has not moved, or
/// has arrived where the domain was on its way to.
Kib measured_size(const DomainFacts& domain, const Record& before) {
  const Kib now = to_kib(domain.memory.allocated) - before.settled_offset;
  const auto is_near = [&](Kib size) {
    return now <= size + plan::max_pages_slack && size <= now + plan::max_pages_slack;
  };
  return is_near(before.present) || is_near(before.size) ? before.size : now;
}

}  // namespace

host::Task<Undone> undo(Context& context, const Record& before, bool keep) {
  context.begin_restoring(before.limit);
  host::Hypervisor& xen = context.xen();
  DomainFacts& domain = context.facts().domain;
  BOOST_OUTCOME_CO_TRY(context.measure());
  if (context.stages_begun() > 0) {
    // Stopped at once: what the guest took until libxl has set the target, it would have to give
    // back from its kernel's own memory, wherever what was added lies.
    BOOST_OUTCOME_CO_TRY(context.set_max_pages(to_kib(domain.memory.allocated)));
  }
  BOOST_OUTCOME_CO_TRY(xen.release_claim(context.id()));
  BOOST_OUTCOME_CO_TRY(context.measure());
  // Before the first stage nothing of ours has moved it, wherever it may be on its way to.
  const bool moved = context.stages_begun() > 0;
  Undone undone{.size = moved ? measured_size(domain, before) : before.size, .pool = domain.pool};
  context.progress().begin(Phase::restore, 0, undone.size, keep ? undone.size : before.size);

  if (undone.size != before.size) {
    // It stays where it is, unless it gets back at once what it gave.
    const bool gets_back = !keep && undone.size < before.size && context.session() != nullptr;
    if (!gets_back) {
      BOOST_OUTCOME_CO_TRY(co_await context.set_size(undone.size));
    }
    if (!keep) {
      BOOST_OUTCOME_CO_TRY(co_await walk_back(context, before.size, undone.reason));
    }
    BOOST_OUTCOME_CO_TRY(context.measure());
    undone.size = measured_size(domain, before);
  }
  undone.whole = undone.size == before.size;
  undone.limit = std::max(before.limit, undone.size);

  if (domain.size() != undone.size) {
    // On pvh and hvm libxl refuses a target above max_pages, which a shrink has lowered: so that is
    // raised with it, until it gets its own value below.
    BOOST_OUTCOME_CO_TRY(co_await context.set_size(undone.size));
  }
  // libxl's call sets max_pages too, for an instant too high: none where the limit stands.
  if (!context.has_limit(undone.limit)) {
    BOOST_OUTCOME_CO_TRY(co_await context.set_limit(undone.limit));
  }
  // libxl ties max_pages to other limits: its earlier value has to be set by itself.
  const Kib max_pages = undone.whole
                            ? before.max_pages
                            : std::max(before.max_pages, undone.size + plan::max_pages_slack);
  BOOST_OUTCOME_CO_TRY(context.set_max_pages(max_pages));
  // One that is on its way up by another's target takes from the pool what it finds there.
  const bool grows = before.present + plan::max_pages_slack < before.size ||
                     plan::present_size(domain) > before.present;
  if (!moved && !grows && domain.pool != before.pool) {
    BOOST_OUTCOME_CO_TRY(xen.set_pool(context.id(), *before.pool));
    undone.pool = before.pool;
  }
  context.progress().advance(undone.size);
  co_return undone;
}

}  // namespace memctl::resize
