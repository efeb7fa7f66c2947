// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>

#include "base/domain_error.hpp"
#include "memctl/size.hpp"
#include "plan/limits.hpp"
#include "plan/plan.hpp"
#include "plan/step.hpp"
#include "resize/headway.hpp"
#include "resize/steps.hpp"

namespace memctl::resize {
namespace {

constexpr int stages_in_vain{16};

/// The most stages of a walk. A guest that has room for one more section at a time, 128 MiB, gets
/// 128 GiB in so many. Added memory pays for larger stages, so no honest guest that is to get more
/// needs as many; the longest walk of a plan has some thirty.
constexpr int most_stages{1024};

/// Ends a walk whose stages lead next to nowhere. A guest may turn round after each stage, since
/// root in the guest sets the balloon driver's target too, or claim again and again that its
/// balloon holds a page and that nothing else can be added.
class Approach {
 public:
  explicit Approach(Kib goal) : goal_{goal} {}

  /// Before each stage. False: this is the seventeenth that leads less than `plan::smallest_stage`
  /// nearer than the earlier ones.
  bool begin_stage(const Stage& stage) {
    const Kib left = std::max(goal_ - stage.size, stage.size - goal_);
    if (!nearest_ || *nearest_ - left >= plan::smallest_stage) {
      nearest_ = left;
      return true;
    }
    return ++in_vain_ <= stages_in_vain;
  }

 private:
  Kib goal_;
  std::optional<Kib> nearest_{};
  int in_vain_{0};
};

/// Up to which size the guest only gets back what it gave in this operation.
Kib size_given_up(const Way& way) { return std::min(way.goal, way.size_before); }

bool gets_back(const plan::Input& facts, const Way& way) {
  return plan::present_size(facts) < size_given_up(way);
}

Result<std::optional<Stage>> next_stage(const plan::Input& facts, const Way& way) {
  if (!gets_back(facts, way)) return plan::next_stage(facts, way.goal);
  const Kib back = size_given_up(way);
  return std::optional{Stage{.size = back, .host_memory = back - plan::present_size(facts)}};
}

/// Reads what a stage is decided on.
host::Task<void> learn(Work& work, const Way& way, int number, bool is_fresh) {
  // A guest that gets memory back may need it at once, so its last report has to do.
  const bool asks = !is_fresh && !gets_back(work.domain.facts(), way);
  if (!asks) co_return work.refresh_memory(way.patience);
  co_return co_await work.consult(way.patience, RequestKind::prepare,
                                  static_cast<std::uint32_t>(number), way.goal);
}

/// The target at which the balloon rests. Nothing: it moves, or nothing tells.
std::optional<Kib> resting_place(const plan::Input& facts) {
  if (!facts.guest || !plan::balloon_rests(facts.guest->report)) return std::nullopt;
  return facts.guest->report.balloon_target;
}

}  // namespace

Patience patience_for_way(const Work& work, const Patience& patience, Kib goal) {
  const Kib present = plan::present_size(work.domain.facts());
  const Kib way = std::max(goal - present, present - goal);
  const auto time = longest_time(way, work.options.stall);
  const auto whole = std::chrono::duration_cast<std::chrono::seconds>(time);
  return patience.until(work.port.clock().now() + time,
                        "after " + std::to_string(whole.count()) +
                            " s the guest was still on the way to " + to_string(goal));
}

host::Task<Walked> walk(Work& work, const Way& way) {
  const plan::Input& facts = work.domain.facts();
  const DomainIdentity& domain = work.domain.identity();
  Approach approach{way.goal};
  bool is_fresh = false;
  for (int number = 1;; ++number) {
    // No question is needed at the goal. `next_stage` would say the same, but only after one.
    if (plan::present_size(facts) == way.goal) co_return Walked{};
    // The first stage is the plan's, decided on the plan's facts.
    const bool prepares = number == 1 && !way.restores;
    if (!prepares) {
      const auto known = co_await learn(work, way, number, is_fresh);
      if (!known) co_return Walked{known.error()};
    }

    auto stage = next_stage(facts, way);
    if (!stage) co_return Walked{stage.error()};
    if (!stage.value()) co_return Walked{};
    const Stage& next = *stage.value();

    if (!approach.begin_stage(next)) {
      co_return Walked{domain_error(domain, Cause::stalled,
                                    "the guest does not come nearer to " + to_string(way.goal) +
                                        ": " + std::to_string(stages_in_vain) +
                                        " stages gained less than " +
                                        to_string(plan::smallest_stage) + " over the best so far")};
    }
    if (number > most_stages) {
      co_return Walked{domain_error(domain, Cause::stalled,
                                    "after " + std::to_string(most_stages) +
                                        " stages the guest was still on the way to " +
                                        to_string(way.goal))};
    }
    const bool returns = way.restores && next.host_memory > Kib{};
    if (const auto barred = returns ? plan::refuse_return(facts, next.size) : plan::Refusal{}) {
      co_return Walked{domain_error(domain, barred->cause, barred->message, barred->hint)};
    }
    if (way.host_reserve) {
      MEMCTL_CO_TRY(work.domain.read_host());
      const Kib taken = next.host_memory + plan::iommu_tables(facts.domain, next.host_memory);
      if (to_kib(facts.host.available()) - taken < *way.host_reserve) {
        co_return Walked{
            domain_error(domain, Cause::host_memory,
                         "the host has no " + to_string(next.host_memory) + " to give back")};
      }
    }

    const auto rested_at = resting_place(facts);
    const auto reached = co_await run_stage(work, way, number, next, prepares);
    if (reached) {
      // If the balloon rests, and its target has moved by the whole stage since its last rest, the
      // report was made after the stage's last page: the kernel counts a page only after the
      // balloon has taken it. A growth always asks again, because its PREPARE sets the guest's
      // online policy, which an agent that was restarted has given up.
      const bool shrinks = next.host_memory < Kib{};
      is_fresh = shrinks && rested_at && resting_place(facts) == *rested_at + next.host_memory;
      continue;
    }
    const bool nothing_can_be_set =
        reached.error().cause == Cause::superseded || work.limits.unanswered() != nullptr;
    if (nothing_can_be_set) co_return reached.error();
    co_return Walked{reached.error()};
  }
}

}  // namespace memctl::resize
