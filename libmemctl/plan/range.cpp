// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Finds the sizes that would be granted by asking the rules.
#include <algorithm>
#include <functional>

#include "base/domain_error.hpp"
#include "plan/limits.hpp"
#include "plan/plan.hpp"
#include "plan/sections.hpp"
#include "plan/step.hpp"

namespace memctl::plan {
namespace {

using Rule = std::function<Refusal(Kib)>;

/// The next whole pages above and below `size`. Other tools may have set a size of any KiB.
Kib page_above(Kib size) { return round_down(size, kib_per_page) + kib_per_page; }
Kib page_below(Kib size) { return round_up(size, kib_per_page) - kib_per_page; }

/// The last size from `good` towards `bad` that the rule lets pass, and the reason why the rule
/// refuses the next size. The rule grants `good`, refuses `bad`, and changes once between them.
RangeEnd last_granted(Kib good, Kib bad, const Rule& rule) {
  Error reason = *rule(bad);
  const bool up = bad > good;
  for (Kib next = up ? page_above(good) : page_below(good); up ? next < bad : next > bad;
       next = up ? page_above(good) : page_below(good)) {
    // Rounded towards `good`: a middle at `bad` would be asked for ever.
    const Kib half = good + (bad - good) / 2;
    const Kib middle = up ? std::max(next, round_down(half, kib_per_page))
                          : std::min(next, round_up(half, kib_per_page));
    if (auto refused = rule(middle)) {
      bad = middle;
      reason = *std::move(refused);
    } else {
      good = middle;
    }
  }
  return {.size = good, .cause = reason.cause, .reason = reason.message};
}

}  // namespace

Result<SizeRange> range_of(const Input& input) {
  const DomainIdentity& domain = input.domain.identity;
  if (const auto refused = refuse_domain(input)) {
    return domain_error(domain, refused->cause, refused->message, refused->hint);
  }
  const Rule growth = [&](Kib to) -> Refusal {
    if (auto refused = refuse_growth(input, to)) return refused;
    auto stages = walk(input, to);
    return stages ? Refusal{} : stages.error();
  };
  const Rule shrink = [&](Kib to) { return refuse_shrink(input, to); };

  const Kib present = present_size(input);
  const Refusal stay = refuse_present(input);
  const bool shrinks = page_below(present) > Kib{} && !shrink(page_below(present));
  if (stay && !shrinks) return domain_error(domain, stay->cause, stay->message, stay->hint);

  SizeRange range{.step = kib_per_page, .step_from = described_size(input)};
  if (has_large_blocks(input)) range.step = input.guest->hello.block_size;
  range.smallest = last_granted(shrinks ? page_below(present) : present, Kib{}, shrink);
  if (stay) {
    range.largest = {.size = page_below(present), .cause = stay->cause, .reason = stay->message};
    return range;
  }
  range.largest = last_granted(present, largest_size + kib_per_page, growth);
  const Kib whole = whole_blocks(input, range.largest.size);
  if (whole != range.largest.size) {
    const Refusal part = refuse_block_size(input, whole + kib_per_page);
    range.largest = {.size = whole, .cause = part->cause, .reason = part->message};
  }
  return range;
}

}  // namespace memctl::plan
