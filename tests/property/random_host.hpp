// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Random simulated hosts, and what happens to their guests.
#pragma once

#include <rapidcheck.h>

#include <vector>

#include "host/sim/world.hpp"

namespace memctl::property {

/// The size that a request asks for; `amount` is in thousandths of the way, or in pages.
enum class Goal {
  up,        ///< between the present size and what the host has
  beyond,    ///< up to twice what the host has
  down,      ///< below the present size
  by_pages,  ///< a few pages more or less than now
  largest,   ///< the largest size that status shows
  floor,     ///< the smallest size that a refused shrink tells
  same,
};

/// Something that happens once beside the requests.
enum class Trouble {
  none,
  host_memory_taken,
  host_memory_given_back,
  guest_takes_memory,  ///< a process in the guest takes a part of what is free
  guest_frees_memory,
  agent_killed,
  agent_back,
  agent_starts_anew,
  cancelled,
  rival_target,  ///< another tool sets a target 4 MiB and some KiB below what the guest has
  paused_a_while,
  save_begins,
  save_ends,
  saved_and_restored,
  rebooted,
  destroyed,
  held_below,  ///< another tool sets max_pages to what the guest has, and a target above it
};

struct Step {
  int guest{};  ///< modulo the number of guests
  Goal goal{Goal::same};
  int amount{};
  Trouble trouble{Trouble::none};
  int trouble_amount{};            ///< thousandths
  std::chrono::milliseconds at{};  ///< after the request; negative: before it
  bool another_too{};              ///< the next guest asks for as much at the same time
  ResizeOptions options{};
};

struct HostChoice {
  host::sim::WorldSpec world{};
  std::vector<host::sim::GuestSpec> guests{};
};

[[nodiscard]] rc::Gen<HostChoice> hosts();
[[nodiscard]] rc::Gen<Step> steps();

void showValue(const HostChoice& choice, std::ostream& out);
void showValue(const Step& step, std::ostream& out);

}  // namespace memctl::property
