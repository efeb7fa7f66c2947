// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <string>

#include "memctl/size.hpp"
#include "plan/step.hpp"
#include "resize/steps.hpp"

namespace memctl::resize {
namespace {

constexpr std::chrono::milliseconds first_pause{10};
constexpr std::chrono::milliseconds longest_pause{500};

/// Xen's page count moved by what the size moved, at most the slack of a failed populate over.
bool xen_agrees(Context& context, const Record& before) {
  const Kib grown =
      to_kib(context.facts().domain.memory.allocated) - before.present - before.settled_offset;
  const Kib wanted = before.to - before.present;
  return grown >= wanted - (wanted < Kib{} ? plan::max_pages_slack : Kib{}) &&
         grown <= wanted + plan::max_pages_slack;
}

/// The guest's MemTotal moved by as much, but for what the added blocks' descriptions took.
bool total_agrees(Context& context, const Record& before, const AgentReport& first,
                  const AgentReport& now) {
  const GuestFacts& guest = *context.facts().guest;
  const Kib moved = now.mem_total - first.mem_total;
  Kib wanted = before.to - before.present;
  if (first.balloon_current && now.balloon_current) {
    // Of a domain that was on its way, Xen's count and the agent's figures are of two moments; the
    // balloon's own count is of the same as MemTotal.
    wanted = *now.balloon_current - *first.balloon_current;
  }
  const std::int64_t sections =
      now.blocks_added * std::max<std::int64_t>(1, guest.hello.block_size / plan::section);
  const Kib memmap = plan::memmap_of(context.domain().type, sections);
  const Kib tolerance = std::min(memmap, (wanted < Kib{} ? -wanted : wanted) / 2);
  return wanted >= Kib{} ? moved >= wanted - tolerance : moved <= wanted + plan::max_pages_slack;
}

Error disagreement(const Verified& verified, const AgentReport* report) {
  if (!verified.xen || report == nullptr) {  // without an agent there is nothing else to ask
    return {.cause = Cause::stalled, .message = "Xen's page count is not what was asked for"};
  }
  if (!verified.blocks) {
    return {.cause = Cause::guest_offline_blocks,
            .message = std::to_string(report->blocks_added_offline) + " added blocks are offline" +
                       (report->error.empty() ? "" : ": " + report->error)};
  }
  return {.cause = Cause::stalled,
          .message = "the guest's MemTotal is " + to_string(report->mem_total) +
                     " and doesn't show the memory"};
}

}  // namespace

host::Task<Verified> verify(Context& context, const Record& before,
                            const std::optional<AgentReport>& report_before) {
  context.progress().begin(Phase::verify, 0, before.present, before.to);
  const host::TimePoint until = context.port().clock().now() + context.options().stall;
  auto pause = first_pause;
  for (;;) {
    BOOST_OUTCOME_CO_TRY(co_await context.consult(RequestKind::observe, 0, before.to));

    Verified verified{.xen = xen_agrees(context, before)};
    const auto& guest = context.facts().guest;
    const AgentReport* report = guest ? &guest->report : nullptr;
    if (report != nullptr) {
      verified.blocks = report->blocks_added_offline == 0;
      verified.guest_total = total_agrees(context, before, *report_before, *report);
    }
    const bool agreed = report != nullptr ? verified.all() : verified.xen;
    if (agreed) {
      // Where a save has begun, nobody knows whether that was before the last of it came.
      if (before.to > before.present) {
        BOOST_OUTCOME_CO_TRY(context.check_saving());
      }
      context.progress().advance(before.to);
      co_return verified;
    }
    if (context.port().clock().now() >= until) co_return disagreement(verified, report);
    co_await context.wait(pause);
    pause = std::min(longest_pause, pause * 2);
  }
}

}  // namespace memctl::resize
