// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plan/step.hpp"

#include <algorithm>
#include <cmath>

#include "plan/sections.hpp"
#include "plan/words.hpp"

namespace memctl::plan {
namespace {

/// While a kernel is short of contiguous memory, it raises its watermarks by this much: a pageblock
/// in each zone, and a small guest has two zones (measured; `boost_watermark` in Linux).
constexpr Kib watermark_boost = 4_MiB;
/// Linux's formula for min_free_kbytes. Linux takes only the memory of some zones; this takes all
/// memory, which gives a larger reserve.
Kib min_free(Kib mem_total) {
  const double kib = std::sqrt(16.0 * static_cast<double>(mem_total.count()));
  return std::clamp(Kib{static_cast<std::int64_t>(kib)}, 1_MiB, 64_MiB);
}
/// The kernel's own reserve. Page descriptors must not take memory from it.
Kib kernel_reserve(Kib mem_total) { return min_free(mem_total) + watermark_boost; }
/// The last reclaimable memory does not become free in time, so this much does not count.
constexpr Kib never_reclaimed = 8_MiB;
/// A stage adds at most this many times the spare kernel-zone memory. That allows 4 MiB for each
/// section, and 2.1 to 2.8 MiB were measured. It may take one more stage, but leaves the guest room
/// to work meanwhile.
constexpr std::int64_t growth_per_free = 32;
/// One section alone may take all spare memory, because it brings 126 MiB. Measured in a guest of
/// 160 MiB with 5 MiB free and the 4 MiB that its agent lends. On 32 bits it brings the kernel
/// nothing.
constexpr Kib room_for_one_section = 2_MiB + 768_KiB;

/// A guest that shrinks keeps this much kernel-zone memory above the watermark; the memory below
/// the watermark is for no process.
Kib shrink_reserve(Kib total) { return std::max(24_MiB, total / 32); }
/// A resting guest seems to take up to this much in a second, because its figures are not measured
/// at the same moment.
constexpr Kib demand_noise = 32_MiB;

/// To notice a guest's need and to give the memory back takes about a second. So the guest also
/// keeps what its processes take in a second, twice, because they take more when the balloon leaves
/// them the processor.
Kib demand(const Input& input) {
  return input.guest_demand > demand_noise ? input.guest_demand * 2 : Kib{};
}

std::optional<Stage> next_growth(const Input& input, const Room& room, Kib from, Kib goal) {
  // What is free now may be the balloon's until the guest has seen the new target.
  if (room.owed > Kib{}) {
    const Kib size = std::min(goal, from + room.inflated);
    return Stage{.size = size, .host_memory = size - from};
  }
  const Kib block = block_of(input);
  Kib described;
  if (input.domain.passthrough_devices != 0) {
    described = Kib{};  // a new block could not be mapped for its PCI devices
  } else if (room.kernel_zone) {
    const Kib spare = std::max(Kib{}, *room.kernel_zone - kernel_reserve(room.mem_total));
    described = round_down(spare * growth_per_free, block);
    const bool pays_for_itself = !has_large_blocks(input) && !has_32_bits(input.guest);
    if (described == Kib{} && pays_for_itself && spare >= room_for_one_section) described = block;
  } else {
    // If the room is not known, at most double the size, which costs the guest a 64th of its size.
    described = std::max(block, round_down(from, block));
  }
  const Kib size = std::min(goal, from + room.inflated + described);
  if (size == from) return std::nullopt;

  const int blocks = blocks_for(input, room, from, size);
  return Stage{.size = size,
               .blocks = blocks,
               .memmap = memmap_of(input, block * blocks / section_of(input)),
               .host_memory = size - from};
}

std::optional<Stage> next_shrink(const Input& input, const Room& room, Kib from, Kib goal) {
  const std::optional<Kib> floor = shrink_floor(input, room, from);
  if (!floor) return std::nullopt;
  // Take half of what could be had at a time, because the guest's own needs may grow meanwhile.
  const Kib amount = std::max(smallest_stage, round_up((from - *floor) / 2, 1_MiB));
  const Kib size = std::max({goal, *floor, from - amount});
  if (size > goal && from - size < smallest_stage) return std::nullopt;
  return Stage{.size = size, .host_memory = size - from};
}

}  // namespace

int blocks_for(const Input& input, const Room& room, Kib from, Kib size) {
  const Kib block = block_of(input);
  const Kib missing = std::max(Kib{}, size - from - room.inflated);
  return static_cast<int>(round_up(missing, block) / block);
}

std::int64_t sections_for(const Input& input, const Room& room, Kib from, Kib size) {
  const Kib section = section_of(input);
  return round_up(std::max(Kib{}, size - from - room.inflated), section) / section;
}

Room room_of(const std::optional<GuestFacts>& guest) {
  if (!guest) return {};
  const AgentReport& report = guest->report;
  const bool known = report.balloon_current && report.balloon_target;
  const Kib owed = known ? *report.balloon_current - *report.balloon_target : Kib{};
  const Kib reclaimable = std::max(Kib{}, report.kernel_zone_reclaimable - never_reclaimed);
  return {.kernel_zone = report.kernel_zone_free + reclaimable / 2,
          .high = has_32_bits(guest) ? report.highmem_free.value_or(Kib{}) : Kib{},
          .owed = owed > max_pages_slack ? owed : Kib{},
          .inflated = round_down(report.balloon_inflated.value_or(Kib{}), kib_per_page),
          .mem_total = report.mem_total};
}

bool owes(const std::optional<GuestFacts>& guest) { return room_of(guest).owed > Kib{}; }

Room room_after(const Input& input, const Room& room, const Stage& stage) {
  const Kib added = block_of(input) * stage.blocks;
  Room after{.high = room.high,
             .inflated = room.inflated + added - stage.host_memory,
             .mem_total = room.mem_total + stage.host_memory};
  if (!room.kernel_zone) return after;
  if (has_32_bits(input.guest)) {
    // What a growth brings is high memory, or counts as that. A shrink takes high memory first.
    after.high = std::max(Kib{}, room.high + stage.host_memory);
    after.kernel_zone =
        *room.kernel_zone - stage.memmap + std::min(Kib{}, room.high + stage.host_memory);
    return after;
  }
  // The balloon takes memory from the kernel zones alone.
  const bool counts = stage.host_memory < Kib{} || input.terms.online == OnlineZone::kernel;
  const Kib gained = counts ? stage.host_memory : Kib{};
  after.kernel_zone = *room.kernel_zone - stage.memmap + gained;
  return after;
}

Result<Stage> step(const Input& input, const Room& room, Kib from, Kib goal) {
  const auto stage =
      from < goal ? next_growth(input, room, from, goal) : next_shrink(input, room, from, goal);
  if (stage) return *stage;
  if (from > goal) {
    return Error{.cause = Cause::guest_pressure, .message = "the guest needs what it has"};
  }
  if (input.domain.passthrough_devices != 0) {
    return Error{.cause = Cause::passthrough,
                 .message =
                     "its balloon holds no more memory, and no block can be added to a "
                     "domain with PCI devices"};
  }
  return Error{.cause = Cause::guest_memmap,
               .message = "the guest has " + at_most(std::max(Kib{}, *room.kernel_zone)) +
                          " free for its kernel, too little to describe one more block of memory",
               .hint = "free memory in the guest, and ask again"};
}

std::optional<Kib> shrink_floor(const Input& input, const Room& room, Kib present) {
  if (!room.kernel_zone) return std::nullopt;
  const Kib total = input.guest->report.mem_total;
  // The balloon takes free high memory first, and then low memory. So both together can be given.
  const Kib can_give = *room.kernel_zone + room.high;
  const Kib spare = can_give - min_free(total) - shrink_reserve(total) - demand(input);
  // What was free when the guest reported may be the balloon's by now.
  const Kib owing = input.domain.size().value_or(Kib{}) + room.owed;
  const Kib reported = room.owed > Kib{} ? std::max(present, owing) : present;
  const Kib floor = std::min(present, reported - std::max(Kib{}, spare));
  return round_up(std::max(floor, 1_MiB), kib_per_page);
}

bool is_pressed(const Input& input, Kib amount) {
  const Room room = room_of(input.guest);
  if (!room.kernel_zone) return false;
  // A report from before the new target shows what the guest owed to the earlier one.
  const Kib free = *room.kernel_zone + room.high - std::min(room.owed, amount);
  // A guest's figures vary by a quarter of the reserve without a reason.
  const Kib total = input.guest->report.mem_total;
  const Kib reserve = shrink_reserve(total);
  return free < min_free(total) + reserve - reserve / 4 + demand(input);
}

}  // namespace memctl::plan
