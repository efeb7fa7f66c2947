// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How far one stage may go: the part of the plan that a guest's life hangs on.
#pragma once

#include <optional>

#include "memctl/domain_info.hpp"
#include "memctl/error.hpp"
#include "memctl/plan.hpp"
#include "plan/input.hpp"

namespace memctl::plan {

/// Linux's memory section on x86: what the balloon driver adds memory in.
inline constexpr Kib section = 128_MiB;

/// The guest memory that describing `sections` more sections takes at most: 2 MiB of page
/// descriptors each; on pv also page tables and p2m (measured: 2.58 MiB in all).
[[nodiscard]] Kib memmap_of(DomainType type, std::int64_t sections);

/// What a guest has for its kernel's needs, and to grow into, as far as it says so.
struct Room {
  std::optional<Kib> kernel_zone{};  ///< Free, or quickly freed; nothing: not known.
  Kib inflated{};                    ///< Described already: growing into it costs nothing.
  Kib mem_total{};                   ///< The guest's MemTotal.
};
[[nodiscard]] Room room_of(const std::optional<GuestFacts>& guest);

/// The room after that stage, were nothing else to happen in the guest.
[[nodiscard]] Room room_after(const Input& input, const Room& room, const Stage& stage);

/// Whether the guest's memory blocks are larger than what its balloon driver adds at a time.
[[nodiscard]] bool has_large_blocks(const Input& input);

/// The next stage of a guest of the size `from` on its way to `goal`, up or down. What a stage
/// costs the guest is bounded by what it has free, so that no stage can starve it. Blocks are added
/// whole. Errors: `guest_memmap` if not even one block's description fits, `guest_pressure` if the
/// guest can give nothing more. `from` is not `goal`.
[[nodiscard]] Result<Stage> step(const Input& input, const Room& room, Kib from, Kib goal);

/// The smallest size that a guest of the size `present` can be brought to without endangering it;
/// nothing: not known.
[[nodiscard]] std::optional<Kib> shrink_floor(const Input& input, const Room& room, Kib present);
/// Whether a guest that gives memory back is about to need what it still has to give: its processes
/// took more meanwhile than the stage was planned for.
[[nodiscard]] bool is_pressed(const Input& input);

}  // namespace memctl::plan
