// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plan/plan.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "plan/limits.hpp"
#include "plan/step.hpp"

namespace memctl::plan {
namespace {

/// No host has more; a search for the largest size ends here.
constexpr Kib search_end = 64_TiB;

/// The last size in pages from `good` on that `refused` lets pass; everything at `bad` and above is
/// refused, `good` is not. `good` need be no whole number of pages: other tools set such targets.
template <class Refused>
Kib last_granted(Kib good, Kib bad, Refused refused) {
  while (bad - good > kib_per_page) {
    const Kib next_page = round_down(good, kib_per_page) + kib_per_page;
    const Kib middle = std::max(next_page, round_down(good + (bad - good) / 2, kib_per_page));
    (refused(middle) ? bad : good) = middle;
  }
  return good;
}

Kib largest_growth(const Input& input, Kib refused_size) {
  const Kib present = present_size(input.domain);
  const auto refused = [&](Kib size) { return refuse_growth(input, size).has_value(); };
  if (refused(present)) return present;
  return whole_blocks(input, last_granted(present, round_up(refused_size, kib_per_page), refused));
}

Result<Kib> absolute_size(const Input& input, const SizeRequest& request) {
  const Kib size = *input.domain.size();
  const bool relative = request.kind == SizeRequest::Kind::relative;
  if (!relative) return round_up(request.amount, kib_per_page);
  if (size + request.amount <= Kib{}) {
    return Error{.cause = Cause::below_floor,
                 .message = "the domain has only " + to_string(size) + " to give from"};
  }
  return round_up(size + request.amount, kib_per_page);
}

Plan outline(const Input& input, Kib to) {
  const DomainFacts& domain = input.domain;
  const Kib limit = std::max(to, *domain.limit);
  Plan plan{.domain = domain.identity,
            .from = *domain.size(),
            .to = to,
            .limit = limit,
            .earlier_limit = *domain.limit,
            .pool = domain.pool,
            .pool_growth = pool_growth(domain, limit),
            .host_free = to_kib(input.host.available()),
            .host_reserve = input.policy.host_reserve};
  if (plan.pool) *plan.pool += plan.pool_growth;
  return plan;
}

Result<Plan> plan_growth(const Input& input, Kib to) {
  auto refusal = refuse_growth(input, to);
  if (!refusal) refusal = refuse_block_size(input, to);
  if (refusal) {
    refusal->largest = largest_growth(input, to);
    return *std::move(refusal);
  }
  Plan plan = outline(input, to);
  Room room = room_of(input.guest);
  for (Kib size = present_size(input.domain); size < to;) {
    const auto stage = next_growth(input, room, size, to);
    plan.stages.push_back(*stage);  // refuse_growth walked the same stages
    room = room_after(input, room, *stage);
    size = stage->size;
  }
  const Ceiling end = ceiling(input);
  plan.limited_by = end.limit.cause;
  plan.largest = end.largest;
  return plan;
}

Result<Plan> plan_shrink(const Input& input, Kib to) {
  if (auto refusal = refuse_shrink(input, to)) {
    refusal->largest = shrink_floor(input, present_size(input.domain));
    return *std::move(refusal);
  }
  Plan plan = outline(input, to);
  // Each stage is decided on fresh figures; the forecast is that nothing else happens in the guest.
  Input forecast = input;
  for (Kib size = present_size(input.domain); size > to;) {
    const auto stage = next_shrink(forecast, size, to);
    if (!stage) break;
    plan.stages.push_back(*stage);
    forecast.guest->report.kernel_zone_free += stage->host_memory;
    size = stage->size;
  }
  plan.limited_by = Cause::below_floor;
  plan.largest = shrink_floor(input, present_size(input.domain));
  return plan;
}

}  // namespace

Result<Plan> make_plan(const Input& input, const SizeRequest& request) {
  if (auto refusal = refuse_domain(input)) return *std::move(refusal);
  BOOST_OUTCOME_TRY(const Kib to, absolute_size(input, request));
  const Kib present = present_size(input.domain);
  if (to == present) {
    if (auto refusal = refuse_present(input)) return *std::move(refusal);
    return outline(input, to);
  }
  return to > present ? plan_growth(input, to) : plan_shrink(input, to);
}

Ceiling ceiling(const Input& input) {
  const Kib present = present_size(input.domain);
  if (auto refusal = refuse_domain(input)) {
    return {.largest = present, .limit = *std::move(refusal), .grants = false};
  }
  const Kib largest = largest_growth(input, search_end);
  const Kib beyond = std::min(search_end, largest + kib_per_page);
  auto refusal = refuse_growth(input, beyond);
  if (!refusal) refusal = refuse_block_size(input, beyond);
  if (refusal) return {.largest = largest, .limit = *std::move(refusal)};
  return {.largest = largest,
          .limit = {.cause = Cause::invalid_size, .message = "no larger size is known to Xen"}};
}

Result<std::optional<Stage>> next_stage(const Input& input, Kib goal) {
  const Kib present = present_size(input.domain);
  if (present == goal) return std::optional<Stage>{};
  const auto stage = present < goal ? next_growth(input, room_of(input.guest), present, goal)
                                    : next_shrink(input, present, goal);
  if (stage) return stage;
  if (present < goal) {
    return Error{.cause = Cause::guest_memmap,
                 .message = "at " + to_string(present) +
                            " the guest has too little free to describe one more block of memory"};
  }
  return Error{.cause = Cause::guest_pressure,
               .message = "at " + to_string(present) + " the guest needs what it has",
               .largest = present};
}

}  // namespace memctl::plan
