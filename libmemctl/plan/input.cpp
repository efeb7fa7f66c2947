// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plan/input.hpp"

#include <algorithm>

namespace memctl::plan {
namespace {

bool is_near(Kib a, Kib b) { return a - b <= max_pages_slack && b - a <= max_pages_slack; }

/// `size` less what the guest's kernel rounds off. The kernel sees the size without the video RAM.
Kib rounded(const DomainFacts& domain, Kib size) {
  return round_down(size - domain.video_ram, kib_per_page) + domain.video_ram;
}

/// Whether Xen gives the domain no more pages, or its balloon is still to take some.
bool is_to_grow(const Input& input) {
  const DomainMemory& memory = input.domain.memory;
  if (memory.allocated >= to_pages(memory.max_pages)) return true;
  if (!input.guest) return false;
  const AgentReport& report = input.guest->report;
  return report.balloon_current && report.balloon_target &&
         *report.balloon_current < *report.balloon_target;
}

}  // namespace

std::optional<Kib> known_offset(const Input& input) {
  const DomainFacts& domain = input.domain;
  const auto size = domain.size();
  if (!size) return std::nullopt;
  const Kib offset = to_kib(domain.memory.allocated) - rounded(domain, *size);
  for (const Kib whole : {Kib{}, -domain.video_ram}) {
    if (is_near(offset, whole) && (offset >= whole || !is_to_grow(input))) return offset;
  }
  return std::nullopt;
}

Kib settled_offset(const Input& input) {
  if (const auto known = known_offset(input)) return *known;
  const DomainFacts& domain = input.domain;
  if (!input.guest || !input.guest->report.balloon_target || !domain.size()) return Kib{};
  // Its kernel leaves the video RAM out of its own count in any case.
  const Kib without = *input.guest->report.balloon_target - rounded(domain, *domain.size());
  return is_near(without, -2 * domain.video_ram) ? -domain.video_ram : Kib{};
}

bool balloon_rests(const AgentReport& report) {
  return report.balloon_target && report.balloon_current == report.balloon_target;
}

Kib present_size(const Input& input) { return measured_size(input.domain, settled_offset(input)); }

Pages settled_pages(const Input& input, Kib size) {
  return settled_pages(input.domain, size, settled_offset(input));
}

Pages most_pages(const Input& input, Kib size) {
  return std::max(settled_pages(input, size), to_pages(rounded(input.domain, size)));
}

Pages settled_pages(const DomainFacts& domain, Kib size, Kib offset) {
  return to_pages(rounded(domain, size) + offset);
}

Kib measured_size(const DomainFacts& domain, Kib offset) {
  const auto size = domain.size();
  const Pages allocated = domain.memory.allocated;
  if (size && settled_pages(domain, *size, offset) == allocated) return *size;
  return to_kib(allocated) - offset;
}

Kib whole_pages(const DomainFacts& domain, Kib size) {
  return round_up(rounded(domain, size), kib_per_page);
}

}  // namespace memctl::plan
