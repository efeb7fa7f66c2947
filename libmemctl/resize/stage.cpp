// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <string>

#include "base/domain_error.hpp"
#include "memctl/size.hpp"
#include "plan/step.hpp"
#include "resize/steps.hpp"

namespace memctl::resize {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds shortest_look{5};
constexpr milliseconds longest_look{100};
/// The best progress of a stage so far, per layer. Going back and forth does not count as progress,
/// nor does a guest that counts more blocks than the stage adds.
class Furthest {
 public:
  Furthest(const plan::Input& facts, const Stage& stage, Pages missing)
      : missing_{missing}, online_{online(facts)}, all_online_{online_ + stage.blocks} {}

  /// Whether this is further than ever.
  bool comes_further(const plan::Input& facts, Pages missing) {
    const std::int64_t now_online = std::min(online(facts), all_online_);
    const bool further = missing < missing_ || now_online > online_;
    missing_ = std::min(missing_, missing);
    online_ = std::max(online_, now_online);
    return further;
  }

 private:
  static std::int64_t online(const plan::Input& facts) {
    return facts.guest ? facts.guest->report.blocks_online : 0;
  }

  Pages missing_;
  std::int64_t online_;
  std::int64_t all_online_;
};

/// Linux's balloon driver tries four times within 14 s and then stops without a message. After 15 s
/// off its target we call that giving up.
bool balloon_gave_up(const AgentReport& report, std::chrono::seconds waited) {
  return waited >= std::chrono::seconds{15} && report.balloon_target && report.balloon_current &&
         *report.balloon_current != *report.balloon_target;
}

/// Why nothing has moved for so long, as far as anything tells.
Error stall_error(const Work& work, const Stage& stage, Pages missing) {
  const plan::Input& facts = work.domain.facts();
  const DomainIdentity& domain = work.domain.identity();
  const auto waited = std::chrono::duration_cast<std::chrono::seconds>(work.options.stall);
  const std::string since = " for " + std::to_string(waited.count()) + " s";
  if (facts.domain.memory.paused) {
    return domain_error(domain, Cause::domain_paused, "the domain has been paused" + since);
  }
  if (facts.guest && facts.guest->report.blocks_added_offline > 0) {
    const AgentReport& report = facts.guest->report;
    return domain_error(domain, Cause::guest_offline_blocks,
                        std::to_string(report.blocks_added_offline) + " of " +
                            std::to_string(report.blocks_added) +
                            " added memory blocks stayed offline" + since +
                            (report.error.empty() ? "" : ": " + report.error));
  }
  const std::string to = "on the way to " + to_string(stage.size);
  const std::string rest = ", with " + to_string(to_kib(missing)) + " to go";
  if (facts.guest && missing > Pages{} && balloon_gave_up(facts.guest->report, waited)) {
    return domain_error(domain, Cause::guest_balloon_gave_up,
                        to + " the guest's balloon driver gave up" + rest);
  }
  return domain_error(domain, Cause::stalled, to + " nothing moved" + since + rest);
}

/// When to read Xen's page count next, since no event tells of it: after half of the time that the
/// rest will take at the present rate, and less and less often while nothing moves.
milliseconds next_look(milliseconds last, Pages gained, Pages missing) {
  if (gained <= Pages{}) return std::min(longest_look, last * 2);
  const auto rest = last.count() * missing.count() / gained.count();
  return std::clamp(milliseconds{rest / 2}, shortest_look, longest_look);
}

Kib online_size(const plan::Input& facts, Kib from, Kib to) {
  if (!facts.guest) return from;
  const AgentReport& report = facts.guest->report;
  const std::int64_t online = report.blocks_added - report.blocks_added_offline;
  return std::min(to, from + facts.guest->hello.block_size * std::max<std::int64_t>(0, online));
}

}  // namespace

host::Task<void> run_stage(Work& work, const Way& way, int number, const Stage& stage) {
  const auto stage_number = static_cast<std::uint32_t>(number);
  const plan::Input& facts = work.domain.facts();
  const host::Clock& clock = work.port.clock();
  const Kib from = plan::present_size(facts);
  const Pages goal = plan::settled_pages(facts, stage.size);
  const Pages begun = facts.domain.memory.allocated;
  const bool grows = goal > begun;
  // While a domain is on its way to an earlier target, nobody knows how far its page count will lie
  // from its size. Then a growth ends as well when the balloon says that it has arrived.
  const bool exact = plan::known_offset(facts).has_value();
  const auto is_there = [&](Pages missing) {
    if (missing <= Pages{}) return true;
    if (exact || missing > to_pages(plan::max_pages_slack)) return false;
    return !grows || plan::balloon_rests(facts.guest);
  };
  if (grows) work.progress.begin(Phase::online, number, from, stage.size);

  BOOST_OUTCOME_CO_TRY(work.domain.require_no_save());
  // The agent sets the guest's policy before there is memory: the kernel then onlines it at once.
  // A stage that adds no block to a guest that is served already need not wait for that.
  if (grows && stage.blocks == 0 && work.stages_begun > 0) {
    BOOST_OUTCOME_CO_TRY(work.refresh_memory(way.patience));
  } else {
    BOOST_OUTCOME_CO_TRY(
        co_await work.consult(way.patience, RequestKind::prepare, stage_number, stage.size));
  }
  ++work.stages_begun;
  BOOST_OUTCOME_CO_TRY(co_await work.limits.set_size(way.patience, stage.size, way.lowest_limit));

  bool populating = !grows;
  if (populating) work.progress.begin(Phase::populate, number, from, stage.size);
  Pages last = grows ? goal - begun : begun - goal;
  Furthest furthest{facts, stage, last};
  host::TimePoint moved_at = clock.now();
  for (milliseconds interval = shortest_look;;) {
    BOOST_OUTCOME_CO_TRY(work.refresh_memory(way.patience));
    const Pages now = facts.domain.memory.allocated;
    const Pages missing = grows ? goal - now : now - goal;
    if (!populating && now > begun) {
      work.progress.advance(stage.size);
      work.progress.begin(Phase::populate, number, from, stage.size);
      populating = true;
    }
    work.progress.advance(populating ? from + to_kib(now - begun)
                                     : online_size(facts, from, stage.size));
    if (is_there(missing)) break;
    BOOST_OUTCOME_CO_TRY(work.domain.require_no_save_if_due());
    if (!grows && plan::is_pressed(facts)) {
      const Kib present = plan::present_size(facts);
      co_return domain_error(
          work.domain.identity(), Cause::guest_pressure,
          "at " + to_string(present) + " the guest takes the memory that it was to give back");
    }

    if (furthest.comes_further(facts, missing)) moved_at = clock.now();
    if (clock.now() - moved_at >= work.options.stall) co_return stall_error(work, stage, missing);
    BOOST_OUTCOME_CO_TRY(work.agent.keep(stage_number, stage.size, moved_at));
    interval = next_look(interval, last - missing, missing);
    last = missing;
    co_await way.patience.wait(interval);
  }
  work.progress.advance(stage.size);
  co_return success();
}

}  // namespace memctl::resize
