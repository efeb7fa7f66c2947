// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How far one stage may go. A mistake here can kill a guest.
#pragma once

#include <optional>

#include "memctl/domain_info.hpp"
#include "memctl/error.hpp"
#include "memctl/plan.hpp"
#include "plan/input.hpp"

namespace memctl::plan {

/// The least by which a stage brings a guest nearer to its goal; `step` has the exceptions. A small
/// stage costs the host as many calls as a large one, and the guest's figures decide how far it
/// goes. So a resize has only a few smaller stages (`Approach` in resize/walk.cpp).
inline constexpr Kib smallest_stage = 4_MiB;

/// The memory that a guest has for its kernel's needs and to grow into. The guest claims all of it.
struct Room {
  std::optional<Kib> kernel_zone{};  ///< Free, or quickly freed. Nothing: not known.
  /// Free high memory of a kernel of 32 bits. The balloon takes it before any other, and the kernel
  /// cannot use it. What could be freed of it does not count: the balloon takes low memory sooner.
  Kib high{};
  /// What its balloon is still to take of that, to reach the target that it has.
  Kib owed{};
  Kib inflated{};   ///< Described already: growing into it costs nothing.
  Kib mem_total{};  ///< The guest's MemTotal.
};
[[nodiscard]] Room room_of(const std::optional<GuestFacts>& guest);
/// Whether the guest's balloon is still to take memory, to reach the target that it has.
[[nodiscard]] bool owes(const std::optional<GuestFacts>& guest);

/// The room after a stage, if nothing else happens in the guest.
[[nodiscard]] Room room_after(const Input& input, const Room& room, const Stage& stage);

/// How many blocks a guest with the size `from` and this room adds to have `size`.
[[nodiscard]] int blocks_for(const Input& input, const Room& room, Kib from, Kib size);
/// How many sections its balloon driver asks the kernel for then. It rounds up to sections and not
/// to blocks.
[[nodiscard]] std::int64_t sections_for(const Input& input, const Room& room, Kib from, Kib size);

/// The next stage of a guest with the size `from` on its way to `goal`, up or down. `from` is not
/// `goal`. The guest's free memory bounds what the stage costs the guest, so no stage starves the
/// guest. Blocks are added whole. Three kinds of stages may be smaller than `smallest_stage`:
/// - one that ends at `goal`
/// - one that only empties the balloon, because that memory can pay for the description of a block
/// - one that replaces an earlier target. If the guest still owes memory to such a target, the
///   first stage of a growth adds no block, and its size is `from` if the balloon holds nothing.
/// Errors: `guest_memmap` if the description of one block does not fit, `guest_pressure` if the
/// guest can give next to nothing more.
[[nodiscard]] Result<Stage> step(const Input& input, const Room& room, Kib from, Kib goal);

/// The smallest size to which a guest with the size `present` can shrink without danger. Nothing:
/// not known.
[[nodiscard]] std::optional<Kib> shrink_floor(const Input& input, const Room& room, Kib present);
/// Whether a guest that is to give `amount` back will soon need what it still has to give of that,
/// because its processes took more than the stage was planned for.
[[nodiscard]] bool is_pressed(const Input& input, Kib amount);

}  // namespace memctl::plan
