// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <string>

#include "memctl/size.hpp"
#include "plan/step.hpp"
#include "resize/steps.hpp"

namespace memctl::resize {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds shortest_look{5};
constexpr milliseconds longest_look{100};
constexpr int stages_in_vain{16};

/// How far a domain has come at best, in every layer that shows it. One that sways, or a guest that
/// counts on and on, comes no further.
class Furthest {
 public:
  Furthest(const Context& context, const Stage& stage, Pages missing)
      : missing_{missing}, online_{online(context)}, all_online_{online_ + stage.blocks} {}

  /// Whether it has come further than ever.
  bool comes_further(const Context& context, Pages missing) {
    const std::int64_t now_online = std::min(online(context), all_online_);
    const bool further = missing < missing_ || now_online > online_;
    missing_ = std::min(missing_, missing);
    online_ = std::max(online_, now_online);
    return further;
  }

 private:
  static std::int64_t online(const Context& context) {
    const auto& guest = context.facts().guest;
    return guest ? guest->report.blocks_online : 0;
  }

  Pages missing_;
  std::int64_t online_;
  std::int64_t all_online_;
};

/// Whether the balloon knows what it is to reach, has every block, and has stopped trying: its four
/// attempts take 14 s in all, and nothing but their end tells of them.
bool balloon_gave_up(const AgentReport& report, std::chrono::seconds waited) {
  return waited >= std::chrono::seconds{15} && report.balloon_target && report.balloon_current &&
         *report.balloon_current != *report.balloon_target;
}

/// Why nothing has moved for so long, as far as anything tells.
Error stall_error(Context& context, const Stage& stage, Pages missing) {
  const auto& facts = context.facts();
  const auto waited = std::chrono::duration_cast<std::chrono::seconds>(context.options().stall);
  const std::string since = " for " + std::to_string(waited.count()) + " s";
  if (facts.domain.memory.paused) {
    return {.cause = Cause::domain_paused, .message = "the domain has been paused" + since};
  }
  if (facts.guest && facts.guest->report.blocks_added_offline > 0) {
    const AgentReport& report = facts.guest->report;
    return {.cause = Cause::guest_offline_blocks,
            .message = std::to_string(report.blocks_added_offline) + " of " +
                       std::to_string(report.blocks_added) + " added blocks stayed offline" +
                       since + (report.error.empty() ? "" : ": " + report.error)};
  }
  if (facts.guest && missing > Pages{} && balloon_gave_up(facts.guest->report, waited)) {
    return {.cause = Cause::guest_balloon_gave_up,
            .message = "on the way to " + to_string(stage.size) +
                       " the guest's balloon driver gave up, with " + to_string(to_kib(missing)) +
                       " to go"};
  }
  return {.cause = Cause::stalled,
          .message = "on the way to " + to_string(stage.size) + " nothing moved" + since +
                     ", with " + to_string(to_kib(missing)) + " to go"};
}

/// When to read Xen's page count next: it has no event. Half of the time that the rest will take at
/// the present rate, and ever more rarely while nothing moves.
milliseconds next_look(milliseconds last, Pages gained, Pages missing) {
  if (gained <= Pages{}) return std::min(longest_look, last * 2);
  const auto rest = last.count() * missing.count() / gained.count();
  return std::clamp(milliseconds{rest / 2}, shortest_look, longest_look);
}

Kib online_size(Context& context, Kib from, Kib to) {
  const auto& guest = context.facts().guest;
  if (!guest) return from;
  const std::int64_t online = guest->report.blocks_added - guest->report.blocks_added_offline;
  return std::min(to, from + guest->hello.block_size * std::max<std::int64_t>(0, online));
}

}  // namespace

Result<void> Approach::begin_stage(const Stage& stage) {
  const Kib left = std::max(goal_ - stage.size, stage.size - goal_);
  if (!nearest_ || left < *nearest_) {
    nearest_ = left;
  } else if (++in_vain_ > stages_in_vain) {
    return Error{
        .cause = Cause::stalled,
        .message = "on the way to " + to_string(goal_) + " the guest turned round again and again"};
  }
  return success();
}

host::Task<void> run_stage(Context& context, int number, const Stage& stage) {
  const auto stage_number = static_cast<std::uint32_t>(number);
  const Kib from = plan::present_size(context.facts().domain);
  const Pages goal = plan::settled_pages(context.facts().domain, stage.size);
  const Pages begun = context.facts().domain.memory.allocated;
  const bool grows = goal > begun;
  // Of a domain that was on its way, nobody knows how far its count lies above its size.
  const bool exact = grows || plan::known_offset(context.facts().domain);
  const Pages rest = exact ? Pages{} : to_pages(plan::max_pages_slack);
  if (grows) context.progress().begin(Phase::online, number, from, stage.size);

  BOOST_OUTCOME_CO_TRY(context.check_saving());
  // The policy is set before there is memory: the kernel then onlines it at once. Where no block
  // is added to a guest that is already served, it does not have to wait for that.
  if (grows && stage.blocks == 0 && context.stages_begun() > 0) {
    BOOST_OUTCOME_CO_TRY(context.look());
  } else {
    BOOST_OUTCOME_CO_TRY(co_await context.consult(RequestKind::prepare, stage_number, stage.size));
  }
  context.count_stage();
  BOOST_OUTCOME_CO_TRY(co_await context.set_size(stage.size));

  bool populating = !grows;
  if (populating) context.progress().begin(Phase::populate, number, from, stage.size);
  Pages last = grows ? goal - begun : begun - goal;
  Furthest furthest{context, stage, last};
  host::TimePoint moved_at = context.port().clock().now();
  for (milliseconds interval = shortest_look;;) {
    BOOST_OUTCOME_CO_TRY(context.look());
    const Pages now = context.facts().domain.memory.allocated;
    const Pages missing = grows ? goal - now : now - goal;
    if (!populating && now > begun) {
      context.progress().advance(stage.size);
      context.progress().begin(Phase::populate, number, from, stage.size);
      populating = true;
    }
    context.progress().advance(populating ? from + to_kib(now - begun)
                                          : online_size(context, from, stage.size));
    if (missing <= rest) break;
    BOOST_OUTCOME_CO_TRY(context.check_saving_if_due());
    if (!grows && plan::is_pressed(context.facts())) {
      const Kib present = plan::present_size(context.facts().domain);
      co_return Error{
          .cause = Cause::guest_pressure,
          .message = "at " + to_string(present) + " the guest takes what it was to give back"};
    }

    if (furthest.comes_further(context, missing)) moved_at = context.port().clock().now();
    if (context.port().clock().now() - moved_at >= context.options().stall) {
      co_return stall_error(context, stage, missing);
    }
    BOOST_OUTCOME_CO_TRY(context.keep_agent(stage_number, stage.size, moved_at));
    interval = next_look(interval, last - missing, missing);
    last = missing;
    co_await context.wait(interval);
  }
  context.progress().advance(stage.size);
  co_return success();
}

}  // namespace memctl::resize
