// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The promises, checked in the simulated world after a request.
#include <algorithm>
#include <string>

#include "memctl/size.hpp"
#include "plan/input.hpp"
#include "resize/journal.hpp"
#include "session.hpp"

namespace memctl::property {

using host::sim::AgentConduct;

/// Checks what holds whatever was asked and whatever interfered.
void Session::check_world(const Before& before, const Step& step) {
  RC_ASSERT(world_.xen().consistent());
  RC_ASSERT(world_.host_claimed() == Kib{});  // no operation is under way: no claim is left
  for (const DomainId id : guests_) {
    auto& guest = world_.guest(id);
    const auto left = resize::Journal(simulation_.port().store(), identity(id)).read();
    if (left) {
      RC_ASSERT(!left.value().has_value());
    } else {  // it is not ours
      RC_ASSERT(left.error().cause == Cause::journal_damaged && !guest.spec().journal.empty());
    }
    const auto& record = *world_.toolstack().find(id);
    if (record.frozen_pool) {  // otherwise a restore or a reboot could lose the guest
      // A part that is kept of a guest that was on its way is known within this slack.
      const Kib limit = *world_.limit(id) - plan::max_pages_slack;
      RC_ASSERT(*record.frozen_pool >= host::sim::libxl_pool(limit, record.vcpus, record.hap));
    }
    const auto& figures = world_.guest(id).kernel().memory();
    RC_ASSERT(figures.total() >= figures.available() && figures.available() >= Kib{});
    // A guest that lies about its memory may kill itself.
    const auto conduct = guest.spec().agent.conduct;
    if (conduct == AgentConduct::lying || conduct == AgentConduct::huge ||
        conduct == AgentConduct::dripping || conduct == AgentConduct::owing) {
      continue;
    }
    const auto then = before.oom_kills.find(id);
    const bool killed =
        then != before.oom_kills.end() && guest.kernel().memory().oom_kills() != then->second;
    if (!guest.alive() || killed) {
      RC_LOG() << guest.spec().name << (killed ? " has killed a process:" : " is dead:");
      for (const auto& line : guest.kernel().log()) RC_LOG() << "\n  " << line;
    }
    RC_ASSERT(guest.alive());
    if (then != before.oom_kills.end()) {
      const auto& memory = guest.kernel().memory();
      RC_LOG() << guest.spec().name << ": free " << to_string(memory.kernel_free())
               << ", watermark " << to_string(memory.watermark()) << ", movable free "
               << to_string(memory.movable_free()) << "\n";
      RC_ASSERT(!killed);
    }
  }

  // The host keeps its reserve, less what others took meanwhile.
  const Kib available = world_.host_free() - world_.host_claimed();
  // A domain that was on its way when its request was refused is still on its way.
  const bool others = !before.others_rest || !before.at_rest ||
                      step.trouble == Trouble::host_memory_taken || takes_domain_away(step.trouble);
  RC_LOG() << "available " << to_string(before.available) << ", then " << to_string(available);
  for (const DomainId id : guests_) {
    RC_LOG() << "\n  " << world_.guest(id).spec().name << " has " << to_string(world_.allocated(id))
             << ", target " << to_string(*world_.target(id));
  }
  if (!others) RC_ASSERT(available >= std::min(before.available, step.options.host_reserve));
}

/// Checks that the report is true.
void Session::check_end(DomainId id, const Before& before, const Result<Report>& ended,
                        const Step& step, bool undisturbed) {
  const Report* report = nullptr;
  if (ended) {
    report = &ended.value();
    RC_ASSERT(report->outcome == Outcome::verified);
    RC_ASSERT(!report->cause.has_value());
  } else {
    RC_ASSERT(ended.error().report != nullptr);
    report = ended.error().report.get();
    RC_ASSERT(report->outcome != Outcome::verified);
    RC_ASSERT(report->cause == ended.error().cause);
    RC_ASSERT(report->message.find('\n') == std::string::npos);
  }
  if (!stands(id)) return;

  const Limits now = limits(id);
  const Limits& then = before.limits.at(id);
  const Kib video = world_.guest(id).spec().video_ram;
  switch (report->outcome) {
    case Outcome::verified:
      RC_ASSERT(now.limit == report->limit);
      if (!sets_limits(step.trouble)) {
        RC_ASSERT(now.target == report->requested - video);
        RC_ASSERT(now.max_pages >= report->requested);
      }
      if (now.pool != Kib{}) RC_ASSERT(report->pool == now.pool);
      RC_ASSERT(now.pool >= then.pool);
      if (undisturbed) {
        // Exact to the page if the guest was settled before. Otherwise its offset is not known yet.
        const Kib slack = before.at_rest ? Kib{} : plan::max_pages_slack;
        RC_ASSERT(report->reached >= report->requested - slack);
        RC_ASSERT(report->reached <= report->requested + plan::max_pages_slack);
        if (step.options.agentless) {
          RC_ASSERT(report->verified.xen && !report->verified.blocks);
          RC_ASSERT(!report->verified.guest_total && !report->guest_total.has_value());
        }
        const bool honest = world_.guest(id).agent().spec().conduct == AgentConduct::normal;
        if (honest && !step.options.agentless) {
          RC_ASSERT(report->verified.all());
          // The guest is not still to take a part of it.
          const auto& kernel = world_.guest(id).kernel();
          const bool grows = report->requested >= report->from;
          if (grows) RC_ASSERT(kernel.balloon_current() + slack >= kernel.balloon_target());
          // A slow guest that was on its way before has moved on since its report.
          if (before.at_rest || rests(id)) {
            const Kib off = *report->guest_total - world_.guest(id).mem_total();
            RC_ASSERT(off <= slack && -off <= slack);
          }
          if (!before.adds_blocks) {
            RC_ASSERT(world_.guest(id).kernel().blocks_offline() <= before.blocks_offline);
          }
        }
      }
      break;
    case Outcome::refused:
      if (undisturbed) {
        // The pool stays under a domain that may be growing by an earlier target.
        Limits kept = now;
        if (!before.at_rest && now.pool > then.pool) {
          kept.pool = then.pool;
          kept.frozen_pool = then.frozen_pool;
        }
        RC_ASSERT(kept == then);
      }
      if (undisturbed && before.at_rest) RC_ASSERT(world_.allocated(id) == before.allocated);
      break;
    case Outcome::restored:
      RC_ASSERT(now.pool >= then.pool);
      RC_ASSERT((now.frozen_pool >= then.frozen_pool));
      if (undisturbed) {
        if (now.pool == then.pool) RC_ASSERT((now.frozen_pool == then.frozen_pool));
        RC_ASSERT(now.target == then.target);
        RC_ASSERT(now.limit == then.limit);
        RC_ASSERT(now.max_pages == then.max_pages);
      }
      break;
    case Outcome::kept:
      RC_ASSERT(now.pool >= then.pool);
      if (undisturbed) {
        RC_ASSERT(now.limit == report->limit);
        RC_ASSERT(now.target == report->reached - video);
        RC_ASSERT(now.max_pages >= report->reached);
      }
      break;
    case Outcome::superseded:
      RC_ASSERT(sets_limits(step.trouble));
      break;
    case Outcome::gone:
      RC_ASSERT(takes_domain_away(step.trouble) || !world_.guest(id).alive());
      break;
    case Outcome::failed:
      RC_FAIL("nothing failed that cannot be restored: " + report->message);
  }
}

/// Each end of the offered range and the nearest size are granted. One page past an end is refused.
void Session::check_offer(DomainId id, const Error& error, const Step& step) {
  if (error.report->outcome != Outcome::refused || !error.range || !stands(id)) return;
  // It may have begun after the look at the processes that answered this request.
  if (world_.toolstack().is_being_saved(id)) return;
  const auto plan = [&](Kib size) {
    return simulation_.run(resize::plan_only(simulation_.port(), identity(id), size,
                                             resize::question_of(step.options)));
  };
  const SizeRange& range = *error.range;
  RC_LOG() << error.message << "; " << to_string(range.smallest.size) << " to "
           << to_string(range.largest.size) << ", nearest " << to_string(*error.nearest) << "\n";
  for (const Kib offered : {range.smallest.size, range.largest.size, *error.nearest}) {
    const auto granted = plan(offered);
    if (!granted) RC_LOG() << to_string(offered) << ": " << granted.error().message;
    RC_ASSERT(granted.has_value());
  }
  for (const Kib past : {range.smallest.size - kib_per_page, range.largest.size + kib_per_page}) {
    const auto beyond = plan(past);
    if (beyond) {
      RC_LOG() << "granted from " << to_string(beyond.value().from) << " to "
               << to_string(beyond.value().to) << ", allocated " << to_string(world_.allocated(id))
               << ", target " << to_string(*world_.target(id)) << ", host free "
               << to_string(world_.host_free());
    }
    RC_ASSERT(beyond.has_error());
  }
}

}  // namespace memctl::property
