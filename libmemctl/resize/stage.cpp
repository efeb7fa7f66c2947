// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <cmath>
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

constexpr host::Duration shortest_look = milliseconds{1};
constexpr host::Duration first_look = milliseconds{10};
/// Together with the agent's reports, which come every 1.5 s, that makes less than ten looks a
/// second at a guest that stands still.
constexpr host::Duration longest_look = milliseconds{110};
/// Within this time after its target has changed, the balloon's thread has run and moved a page.
constexpr host::Duration time_to_run = milliseconds{100};
/// A rest of so little time is waited for as a whole.
constexpr host::Duration short_rest = milliseconds{10};

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
  const std::string moved = headway.recent() > Kib{}
                                ? "only " + to_string(headway.recent()) + " moved in " +
                                      std::to_string(waited.count()) + " s"
                                : "nothing moved" + since;
  const std::string to = "on the way to " + to_string(stage.size);
  const std::string rest = missing > Pages{} ? ", with " + to_string(to_kib(missing)) + " to go"
                                             : ", and the guest still follows an earlier target";
  // The last report of a silent agent may no longer be true, so the causes below do not count.
  if (work.agent.is_silent()) {
    return domain_error(domain, Cause::agent_absent,
                        to + " " + moved + rest + "; memctl-agent stopped answering");
  }
  if (facts.guest && facts.guest->report.blocks_added_offline > 0) {
    const AgentReport& report = facts.guest->report;
    return domain_error(domain, Cause::guest_offline_blocks,
                        std::to_string(report.blocks_added_offline) + " of " +
                            std::to_string(report.blocks_added) +
                            " added memory blocks stayed offline" + since +
                            (report.error.empty() ? "" : ": " + report.error));
  }
  const auto unmoved = work.port.clock().now() - headway.moved_at();
  if (facts.guest && missing > Pages{} && balloon_gave_up(facts.guest->report, unmoved)) {
    return domain_error(domain, Cause::guest_balloon_gave_up,
                        to + " the guest's balloon driver gave up" + rest);
  }
  return domain_error(domain, Cause::stalled, to + " " + moved + rest);
}

/// When to read Xen's page count next, since no event tells of it: once a part of the rest will
/// have moved, by the pace since the last look, and less and less often while nothing moves.
class Looks {
 public:
  Looks(host::TimePoint now, Pages missing) : at_{now}, missing_{missing} {}

  /// After a look: how long to wait for the next one.
  host::Duration next(host::TimePoint now, Pages missing) {
    const host::Duration passed = now - at_;
    const Pages gained = missing_ - missing;
    at_ = now;
    missing_ = missing;
    if (gained <= Pages{} || missing <= Pages{}) {
      // A report may have ended the wait early.
      if (passed >= interval_) interval_ = std::min(longest_look, interval_ * 2);
      return interval_;
    }
    interval_ = first_look;
    const double share = static_cast<double>(missing.count()) / static_cast<double>(gained.count());
    const auto rest =
        host::Duration{std::llround(std::min(static_cast<double>(passed.count()) * share, 1e9))};
    return std::clamp(rest <= short_rest ? rest : rest / 2, shortest_look, longest_look);
  }

 private:
  host::TimePoint at_;
  Pages missing_;
  host::Duration interval_{first_look};
};

/// The size that a stage asks for before its own: one page less, since Linux's balloon
/// (drivers/xen/balloon.c) wakes only if it is asked for another size.
/// - After the balloon has added blocks, it sleeps for a second, however soon they are online. It
///   is to be woken then, unless the last page needs a section of its own: without that page the
///   kernel would get less than the whole blocks that it needs.
/// - A balloon that gave up on just this size sleeps for an hour.
struct FirstSize {
  Kib size{};
  /// How many blocks are online once the stage's are. Nothing: the stage waits for no block.
  std::optional<std::int64_t> blocks_online{};
};
FirstSize first_size(const plan::Input& facts, Kib from, const Stage& stage) {
  const Kib less = stage.size - kib_per_page;
  const plan::Room room = plan::room_of(facts.guest);
  const int blocks = plan::blocks_for(facts, room, from, stage.size);
  const bool adds = facts.guest && stage.blocks > 0 && blocks > 0;
  const bool same_sections = plan::sections_for(facts, room, from, less) ==
                             plan::sections_for(facts, room, from, stage.size);
  if (adds && same_sections) {
    return {less, facts.guest->report.blocks_online + blocks};
  }
  const bool gave_up = stage.host_memory > Kib{} && facts.domain.size() == stage.size;
  return {gave_up ? less : stage.size};
}

/// Whether the guest reports that none of its blocks is offline, nor any of the stage's missing.
bool blocks_are_online(const plan::Input& facts, const FirstSize& first) {
  if (!facts.guest || !first.blocks_online) return false;
  const AgentReport& report = facts.guest->report;
  return report.blocks_online >= *first.blocks_online &&
         report.blocks_online == report.blocks_present;
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

host::Task<void> run_stage(Work& work, const Way& way, int number, const Stage& stage,
                           bool prepares) {
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
  // Close to a goal that is not exactly known, the last page shows by one page more. A domain that
  // had it already does not get another, so this waits no longer than a page may take.
  struct HadFirst {
    Pages pages;
    host::TimePoint at;
  };
  std::optional<HadFirst> had_first;
  const auto has_last_page = [&](Pages now) {
    return !had_first || now > had_first->pages || clock.now() - had_first->at >= time_to_run;
  };
  Shown shown{work.progress, way, number, from, stage.size};
  if (grows) shown.begin(Phase::online);

  MEMCTL_CO_TRY(work.domain.require_no_save_before_stage());
  if (prepares) {
    // The agent sets the guest's policy before there is memory: the kernel then onlines it at once.
    MEMCTL_CO_TRY(
        co_await work.consult(way.patience, RequestKind::prepare, stage_number, way.goal));
  }
  const FirstSize first = first_size(facts, from, stage);
  Kib asked = first.size;
  ++work.stages_begun;
  MEMCTL_CO_TRY(co_await work.limits.make_room(way.patience, stage.size));
  MEMCTL_CO_TRY(
      co_await work.limits.set_size(way.patience, asked, std::max(way.lowest_limit, stage.size)));

  if (!grows) shown.begin(Phase::populate);
  const host::TimePoint asked_at = clock.now();
  Headway headway{facts, stage, grows ? goal - begun : begun - goal, work.options.stall, asked_at};
  Looks looks{asked_at, grows ? goal - begun : begun - goal};
  for (;;) {
    MEMCTL_CO_TRY(work.refresh_memory(way.patience));
    const Pages now = facts.domain.memory.allocated;
    const Pages missing = grows ? goal - now : now - goal;
    shown.advance(facts, to_kib(now - begun));
    if (asked == stage.size && has_last_page(now) && is_there(missing)) break;
    if (asked != stage.size) {
      // If the first size were taken back before the balloon's thread has run, the thread would not
      // see it. A domain that is still on its way to an earlier target moves in any case.
      const bool seen = (exact && now != begun) || clock.now() - asked_at >= time_to_run;
      const bool has_it = seen && is_there(missing - Pages{1});
      if (has_it || blocks_are_online(facts, first)) {
        if (has_it && !exact) had_first = HadFirst{now, clock.now()};
        asked = stage.size;
        MEMCTL_CO_TRY(work.domain.require_no_save_before_stage());
        MEMCTL_CO_TRY(co_await work.limits.set_size(way.patience, asked, way.lowest_limit));
        continue;
      }
    }
    MEMCTL_CO_TRY(work.domain.require_no_save_if_due());
    if (!grows && plan::is_pressed(facts, to_kib(begun - goal))) {
      const Kib present = plan::present_size(facts);
      co_return domain_error(
          work.domain.identity(), Cause::guest_pressure,
          "at " + to_string(present) + " the guest takes the memory that it was to give back");
    }

    headway.note(facts, std::max(Pages{}, missing), clock.now());
    if (headway.is_too_slow(clock.now())) co_return stall_error(work, stage, missing, headway);
    MEMCTL_CO_TRY(
        work.agent.keep(stage_number, way.goal, headway.moved_at(), headway.blocks_left(facts)));
    co_await way.patience.wait(looks.next(clock.now(), missing));
  }
  shown.end();
  co_return success();
}

}  // namespace memctl::resize
