// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <string>

#include "base/domain_error.hpp"
#include "memctl/size.hpp"
#include "plan/sections.hpp"
#include "resize/steps.hpp"

namespace memctl::resize {
namespace {

constexpr std::chrono::milliseconds first_pause{10};
constexpr std::chrono::milliseconds longest_pause{500};

/// Linux's balloon changes MemTotal page by page, and counts 512 pages at a time at most as its own
/// (drivers/xen/balloon.c).
constexpr Kib balloon_batch = 2_MiB;

Kib absolute(Kib size) { return size < Kib{} ? -size : size; }

/// Xen's page count is what the size stands for. A failed populate can charge a domain a little too
/// much.
bool xen_agrees(const plan::Input& facts, const Record& before) {
  const Pages goal = plan::settled_pages(facts.domain, before.to, before.settled_offset);
  const Kib more = to_kib(facts.domain.memory.allocated - goal);
  // If the domain was on its way when the operation began, its offset is known only now.
  const bool exact =
      before.to >= before.present && (before.was_settled() || !plan::known_offset(facts));
  return more >= (exact ? Kib{} : -plan::max_pages_slack) && more <= plan::max_pages_slack;
}

/// The guest's MemTotal moved by as much, less the memory that describes the added blocks.
bool total_agrees(const plan::Input& facts, const Record& before, const AgentReport& first) {
  const AgentReport& now = facts.guest->report;
  const Kib moved = now.mem_total - first.mem_total;
  const auto pages = [&](Kib size) {
    return plan::settled_pages(facts.domain, size, before.settled_offset);
  };
  Kib in_hand;
  Kib wanted = to_kib(pages(before.to) - pages(before.present));
  if (first.balloon_current && now.balloon_current) {
    // If the domain was on its way when the operation began, Xen's count and the agent's figures
    // are from two moments. The balloon's own count and MemTotal are from the same one, up to what
    // it had in hand.
    wanted = *now.balloon_current - *first.balloon_current;
    if (!plan::balloon_rests(first)) in_hand = balloon_batch;
  }
  const std::int64_t sections =
      now.blocks_added * (plan::block_of(facts) / plan::section_of(facts));
  const Kib memmap = plan::memmap_of(facts, sections);
  const Kib tolerance = std::min(memmap, absolute(wanted) / 2) + in_hand;
  return wanted >= Kib{} ? moved >= wanted - tolerance
                         : moved <= wanted + plan::max_pages_slack + in_hand;
}

Error disagreement(const DomainIdentity& domain, const Verified& verified,
                   const AgentReport* report) {
  if (!verified.xen || report == nullptr) {  // without an agent there is nothing else to ask
    return domain_error(domain, Cause::stalled, "Xen's page count is not what was asked for");
  }
  if (!verified.blocks) {
    return domain_error(domain, Cause::guest_offline_blocks,
                        std::to_string(report->blocks_added_offline) +
                            " added memory blocks are offline" +
                            (report->error.empty() ? "" : ": " + report->error));
  }
  return domain_error(
      domain, Cause::stalled,
      "the guest's MemTotal is " + to_string(report->mem_total) + " and does not show the memory");
}

}  // namespace

host::Task<Verified> verify(Work& work, const Patience& patience, const Record& before,
                            const std::optional<AgentReport>& report_before) {
  work.progress.begin(Phase::verify, 0, before.present, before.to);
  const plan::Input& facts = work.domain.facts();
  const host::Clock& clock = work.port.clock();
  const host::TimePoint until = clock.now() + work.options.stall;
  auto pause = first_pause;
  for (;;) {
    MEMCTL_CO_TRY(co_await work.consult(patience, RequestKind::observe, 0, before.to));

    Verified verified{.xen = xen_agrees(facts, before)};
    const AgentReport* report = facts.guest ? &facts.guest->report : nullptr;
    if (report != nullptr) {
      verified.blocks = report->blocks_added_offline == 0;
      verified.guest_total = total_agrees(facts, before, *report_before);
    }
    const bool agreed = report != nullptr ? verified.all() : verified.xen;
    if (agreed) {
      // If a save has begun, nobody knows whether the last of the memory came before it.
      if (before.to > before.present) {
        MEMCTL_CO_TRY(work.domain.require_no_save());
      }
      work.progress.advance(before.to);
      co_return verified;
    }
    if (clock.now() >= until) co_return disagreement(work.domain.identity(), verified, report);
    co_await patience.wait(pause);
    pause = std::min(longest_pause, pause * 2);
  }
}

}  // namespace memctl::resize
