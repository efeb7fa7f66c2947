// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plan/plan.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "base/domain_error.hpp"
#include "plan/limits.hpp"
#include "plan/numa.hpp"
#include "plan/step.hpp"
#include "plan/words.hpp"

namespace memctl::plan {
namespace {

/// Whole pages. Only the size that the domain has may be another, since other tools set any KiB.
Kib granted_size(const Input& input, Kib size) {
  const bool has_it = size == input.domain.size() || size == present_size(input);
  return has_it ? size : round_up(size, kib_per_page);
}

/// The size that the request asks for. A relative request counts from the size that the domain was
/// last asked to have.
Result<Kib> absolute_size(const Input& input, const SizeRequest& request) {
  if (request.kind == SizeRequest::Kind::absolute) return granted_size(input, request.amount);
  const Kib size = *input.domain.size();
  if (size + request.amount > Kib{}) return granted_size(input, size + request.amount);
  return Error{.cause = Cause::below_floor,
               .message = input.domain.identity.name + " has " + to_string(size) + "; " +
                          to_string(request.amount) + " would leave nothing"};
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
            .stored_pool = frozen_pool_needed(domain, limit),
            .host_free = to_kib(input.host.available()),
            .host_reserve = input.terms.host_reserve,
            .numa_forecast = numa_forecast(input, to)};
  if (plan.pool) *plan.pool += plan.pool_growth;
  return plan;
}

std::string host_memory_text(const Input& input, Kib to) {
  const HostNeed need = host_need(input, to);
  const bool both = need.pool > Kib{} && need.tables > Kib{};
  const std::string what = std::string{need.pool > Kib{} ? "the paging pool" : ""} +
                           (both ? " and " : "") +
                           (need.tables > Kib{} ? "the IOMMU's tables" : "");
  const std::string beside =
      what.empty() ? "" : " (" + at_least(need.pool + need.tables) + " of it for " + what + ")";
  return to_string(to) + " would take " + at_least(need.all()) + " of the host" + beside +
         "; it can give " + at_most(host_spare(input));
}

std::string block_size_text(const SizeRange& range, Kib to, const std::string& reason) {
  const Kib below = range.step_from + round_down(to - range.step_from, range.step);
  const Kib above = below + range.step;
  const std::string next = above <= range.largest.size
                               ? "next are " + to_string(below) + " and " + to_string(above)
                               : "the next size below is " + to_string(below);
  return to_string(to) + " is not possible: " + reason + "; " + next;
}

/// The message for the caller who asked for `to`: what is wrong with it, and which size is
/// possible.
std::string refusal_text(const Input& input, Kib to, const SizeRange& range, const Error& reason) {
  const Kib present = present_size(input);
  const bool host_lacks = host_need(input, to).all() > host_spare(input);
  if (reason.cause == Cause::host_memory && host_lacks) return host_memory_text(input, to);
  if (reason.cause == Cause::block_size) return block_size_text(range, to, reason.message);
  if (to == present) return reason.message;
  if (to < present) {
    const Kib smallest = range.smallest.size;
    if (smallest >= present) return "it cannot shrink now: " + reason.message;
    const bool fits = round_up(smallest, 1_MiB) <= present;
    const std::string text = to_string(to) + " is too small; the smallest size possible now is " +
                             (fits ? at_least(smallest) : to_string(smallest));
    return reason.cause == Cause::below_floor ? text : text + ": " + reason.message;
  }
  const Kib largest = range.largest.size;
  if (largest <= present) return "it cannot grow now: " + reason.message;
  const bool fits = round_down(largest, 1_MiB) >= present;
  return to_string(to) + " is too large; the largest size possible now is " +
         (fits ? at_most(largest) : to_string(largest)) + ": " + reason.message;
}

/// Turns a reason into a complete error.
Error refused(const Input& input, Kib to, const Error& reason) {
  const auto range = range_of(input);
  const std::string text = range ? refusal_text(input, to, range.value(), reason) : reason.message;
  Error error = domain_error(input.domain.identity, reason.cause, text, reason.hint);
  if (range) {
    error.range = std::make_shared<const SizeRange>(range.value());
    error.nearest = range.value().nearest(to);
  }
  return error;
}

}  // namespace

// A forecast: it assumes that nothing else happens in the guest. The operation decides each stage
// anew on fresh figures.
Result<std::vector<Stage>> walk(const Input& input, Kib goal) {
  std::vector<Stage> stages;
  Room room = room_of(input.guest);
  for (Kib size = present_size(input); size != goal; size = stages.back().size) {
    BOOST_OUTCOME_TRY(const Stage stage, step(input, room, size, goal));
    room = room_after(input, room, stage);
    stages.push_back(stage);
  }
  return stages;
}

Result<std::vector<Stage>> stages_to(const Input& input, Kib to) {
  const Kib present = present_size(input);
  Refusal refusal = refuse_domain(input);
  if (!refusal && to == present) refusal = refuse_present(input);
  if (!refusal && to < present) refusal = refuse_shrink(input, to);
  if (!refusal && to > present) refusal = refuse_growth(input, to);
  if (refusal) return *std::move(refusal);
  auto stages = walk(input, to);
  if (!stages) return stages;
  if ((refusal = refuse_block_size(input, to))) return *std::move(refusal);
  return stages;
}

namespace {

/// Why a domain that has shrunk to `to` would not be granted the pages that it has at present. A
/// forecast: its balloon then holds what the domain gave. The host's memory is left out, because
/// others may take it or free it at any time.
std::string no_way_back(const Input& input, Kib to) {
  const Kib present = present_size(input);
  const Kib had = whole_pages(input.domain, present);
  Input after = input;
  DomainFacts& domain = after.domain;
  domain.memory.allocated = settled_pages(input, to);
  domain.target = to - domain.video_ram;
  after.host.claimed = Pages{};
  after.host.free = to_pages(after.terms.host_reserve + largest_size * 2);
  after.terms.numa = Numa::any;
  if (after.guest) {
    AgentReport& report = after.guest->report;
    const Kib given = had - whole_pages(input.domain, to);
    if (report.balloon_inflated) *report.balloon_inflated += given;
    if (report.balloon_target) *report.balloon_target -= given;
    report.balloon_current = report.balloon_target;
    report.mem_total = std::max(Kib{}, report.mem_total - given);
  }
  const auto back = stages_to(after, had);
  return back ? std::string{}
              : "no way back to " + to_string(present) + ": " + back.error().message;
}

}  // namespace

Result<Plan> make_plan(const Input& input, const SizeRequest& request) {
  if (const auto reason = refuse_domain(input)) return refused(input, {}, *reason);
  BOOST_OUTCOME_TRY(const Kib to, absolute_size(input, request));
  auto stages = stages_to(input, to);
  if (!stages) return refused(input, to, stages.error());
  Plan plan = outline(input, to);
  plan.stages = std::move(stages).value();
  BOOST_OUTCOME_TRY(plan.range, range_of(input));
  if (to < present_size(input)) plan.no_way_back = no_way_back(input, to);
  return plan;
}

Result<std::optional<Stage>> next_stage(const Input& input, Kib goal) {
  const Kib present = present_size(input);
  if (present == goal) return std::optional<Stage>{};
  const auto stage = step(input, room_of(input.guest), present, goal);
  if (stage) return std::optional{stage.value()};
  const Error& reason = stage.error();
  return domain_error(input.domain.identity, reason.cause,
                      "at " + to_string(present) + " " + reason.message, reason.hint);
}

}  // namespace memctl::plan
