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

Result<std::optional<Stage>> next_stage(const plan::Input& facts, const Way& way) {
  const Kib present = plan::present_size(facts);
  const Kib back = std::min(way.goal, way.size_before);
  if (present >= back) return plan::next_stage(facts, way.goal);
  return std::optional{Stage{.size = back, .host_memory = back - present}};
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
  for (int number = 1;; ++number) {
    if (number > 1 || way.asks_first) {
      const auto asked = co_await work.consult(way.patience, RequestKind::observe, 0, way.goal);
      if (!asked) co_return Walked{asked.error()};
    }

    auto stage = next_stage(facts, way);
    if (!stage) co_return Walked{stage.error()};
    if (!stage.value()) co_return Walked{};
    Stage next = *stage.value();
    // A balloon that gave up on a size wakes only for another one, so one page less goes first.
    if (next.host_memory > Kib{} && facts.domain.size() == next.size) next.size -= kib_per_page;

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

    const auto reached = co_await run_stage(work, way, number, next);
    if (reached) continue;
    const bool nothing_can_be_set =
        reached.error().cause == Cause::superseded || work.limits.unanswered() != nullptr;
    if (nothing_can_be_set) co_return reached.error();
    co_return Walked{reached.error()};
  }
}

}  // namespace memctl::resize
