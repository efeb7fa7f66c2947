// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <optional>
#include <string>

#include "base/domain_error.hpp"
#include "memctl/size.hpp"
#include "plan/step.hpp"
#include "resize/headway.hpp"
#include "resize/steps.hpp"

namespace memctl::resize {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds shortest_look{5};
/// With the reports of the guest's agent, which come every 1.5 s, less than ten looks a second.
constexpr milliseconds longest_look{110};

/// Linux's balloon driver tries four times within 14 s and then stops without a message. After 15 s
/// off its target we call that giving up.
bool balloon_gave_up(const AgentReport& report, host::Duration unmoved) {
  return unmoved >= std::chrono::seconds{15} && report.balloon_target && report.balloon_current &&
         *report.balloon_current != *report.balloon_target;
}

/// Why nothing, or next to nothing, has moved for so long, as far as anything tells.
Error stall_error(const Work& work, const Stage& stage, Pages missing, const Headway& headway) {
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
  const std::string rest = missing > Pages{} ? ", with " + to_string(to_kib(missing)) + " to go"
                                             : ", and the guest still follows an earlier target";
  const auto unmoved = work.port.clock().now() - headway.moved_at();
  if (facts.guest && missing > Pages{} && balloon_gave_up(facts.guest->report, unmoved)) {
    return domain_error(domain, Cause::guest_balloon_gave_up,
                        to + " the guest's balloon driver gave up" + rest);
  }
  if (headway.recent() > Kib{}) {
    return domain_error(domain, Cause::stalled,
                        to + " only " + to_string(headway.recent()) + " moved in " +
                            std::to_string(waited.count()) + " s" + rest);
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

/// Tells how far a stage has come. A stage that grows first shows its blocks come online, until Xen
/// has counted the first of its pages; from then on, and while restoring, Xen's count is shown.
class Shown {
 public:
  Shown(Progress& progress, const Way& way, int number, Kib from, Kib to)
      : progress_{progress}, restores_{way.restores}, number_{number}, from_{from}, to_{to} {}

  void begin(Phase phase) {
    if (restores_) return;
    phase_ = phase;
    progress_.begin(phase, number_, from_, to_);
  }

  /// `moved`: by how much Xen's count has changed in this stage.
  void advance(const plan::Input& facts, Kib moved) {
    if (phase_ == Phase::online && moved > Kib{}) {
      progress_.advance(to_);
      begin(Phase::populate);
    }
    // While a domain is on its way, nobody knows by how many pages its count is off its size.
    const Kib counted = std::clamp(from_ + moved, std::min(from_, to_), std::max(from_, to_));
    progress_.advance(phase_ == Phase::online ? online_size(facts, from_, to_) : counted);
  }

  void end() { progress_.advance(to_); }

 private:
  Progress& progress_;
  bool restores_;
  int number_;
  Kib from_;
  Kib to_;
  std::optional<Phase> phase_{};
};

}  // namespace

host::Task<void> run_stage(Work& work, const Way& way, int number, const Stage& stage) {
  const auto stage_number = static_cast<std::uint32_t>(number);
  const plan::Input& facts = work.domain.facts();
  const host::Clock& clock = work.port.clock();
  const Kib from = plan::present_size(facts);
  const Pages goal = plan::settled_pages(facts, stage.size);
  const Pages begun = facts.domain.memory.allocated;
  const bool grows = goal > begun || stage.host_memory == Kib{};
  // While a domain is on its way to an earlier target, nobody knows how far its page count will lie
  // from its size. Then a growth ends as well when the balloon says that it has arrived.
  const bool exact = plan::known_offset(facts).has_value();
  // A stage that replaces an earlier target ends once the guest has seen the new one. If the stage
  // gives pages, their arrival shows that.
  const bool replaces = goal <= begun && plan::owes(facts.guest);
  const auto is_there = [&](Pages missing) {
    if (replaces && plan::owes(facts.guest)) return false;
    if (missing <= Pages{}) return true;
    if (exact || missing > to_pages(plan::max_pages_slack)) return false;
    return !grows || (facts.guest && plan::balloon_rests(facts.guest->report));
  };
  Shown shown{work.progress, way, number, from, stage.size};
  if (grows) shown.begin(Phase::online);

  MEMCTL_CO_TRY(work.domain.require_no_save_before_stage());
  // The agent sets the guest's policy before there is memory: the kernel then onlines it at once.
  // A stage that adds no block to a guest that is served already need not wait for that.
  if (grows && stage.blocks == 0 && work.stages_begun > 0) {
    MEMCTL_CO_TRY(work.refresh_memory(way.patience));
  } else {
    MEMCTL_CO_TRY(
        co_await work.consult(way.patience, RequestKind::prepare, stage_number, stage.size));
  }
  ++work.stages_begun;
  MEMCTL_CO_TRY(co_await work.limits.set_size(way.patience, stage.size, way.lowest_limit));

  if (!grows) shown.begin(Phase::populate);
  Pages last = grows ? goal - begun : begun - goal;
  Headway headway{facts, stage, last, work.options.stall, clock.now()};
  for (milliseconds interval = shortest_look;;) {
    MEMCTL_CO_TRY(work.refresh_memory(way.patience));
    const Pages now = facts.domain.memory.allocated;
    const Pages missing = grows ? goal - now : now - goal;
    shown.advance(facts, to_kib(now - begun));
    if (is_there(missing)) break;
    MEMCTL_CO_TRY(work.domain.require_no_save_if_due());
    if (!grows && plan::is_pressed(facts, to_kib(begun - goal))) {
      const Kib present = plan::present_size(facts);
      co_return domain_error(
          work.domain.identity(), Cause::guest_pressure,
          "at " + to_string(present) + " the guest takes the memory that it was to give back");
    }

    headway.note(facts, std::max(Pages{}, missing), clock.now());
    if (headway.is_too_slow(clock.now())) co_return stall_error(work, stage, missing, headway);
    MEMCTL_CO_TRY(work.agent.keep(stage_number, stage.size, headway.moved_at()));
    interval = next_look(interval, last - missing, missing);
    last = missing;
    co_await way.patience.wait(interval);
  }
  shown.end();
  co_return success();
}

}  // namespace memctl::resize
