// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/facts.hpp"

namespace memctl::agent {

/// One memory block as sysfs shows it.
struct Block {
  std::uint32_t id{};
  bool online{};
  bool movable{};  ///< Online in the movable zone.
  friend bool operator==(const Block&, const Block&) = default;
};

/// auto_online_blocks: what the kernel does with added memory.
enum class OnlinePolicy { offline, online, online_kernel, online_movable };
[[nodiscard]] const char* name(OnlinePolicy policy);
[[nodiscard]] std::optional<OnlinePolicy> policy_named(std::string_view name);
[[nodiscard]] constexpr OnlinePolicy policy_for(OnlineZone zone) {
  return zone == OnlineZone::movable ? OnlinePolicy::online_movable : OnlinePolicy::online_kernel;
}
[[nodiscard]] constexpr OnlinePolicy policy_for(OnlineZone zone, std::string_view machine) {
  const bool high = zone == OnlineZone::kernel && is_32_bit_machine(machine);
  return high ? OnlinePolicy::online : policy_for(zone);
}

/// Facts that never change while a kernel runs.
struct KernelFacts {
  std::string release{};
  std::string build{};
  std::string machine{};
  Kib block_size{};
  bool hotplug{};
  std::string no_hotplug_reason{};
};

struct BalloonFigures {
  std::optional<Kib> target{};
  std::optional<Kib> current{};
  friend bool operator==(const BalloonFigures&, const BalloonFigures&) = default;
};

/// The guest's kernel, as the agent sees it. Every call reads again, because uevents may be lost.
class Kernel {
 public:
  virtual ~Kernel() = default;

  [[nodiscard]] virtual KernelFacts facts() const = 0;
  /// The policy to set while memory is added for `zone`.
  /// - x86_64: `online_kernel` or `online_movable`. If the kernel knows neither, `offline`, and the
  ///   agent brings each block online.
  /// - 32 bits: `online` for the kernel. It leaves added memory in HighMem. `online_kernel` would
  ///   move the memory to Normal, which cannot use it, or fail (online_pages in Linux 4.12's
  ///   mm/memory_hotplug.c).
  [[nodiscard]] virtual OnlinePolicy policy_for(OnlineZone zone) const = 0;
  [[nodiscard]] virtual std::optional<OnlinePolicy> policy() const = 0;
  /// Returns 0 or the error number.
  [[nodiscard]] virtual int set_policy(OnlinePolicy policy) = 0;
  /// Fills `blocks` with the blocks that are present now, by number. If `blocks` holds the result
  /// of an earlier scan, the zone of a block that stayed online may be taken from there.
  virtual void scan(std::vector<Block>& blocks) = 0;
  /// Brings a block online in `zone`, and in no other: on x86_64 the kernel's plain `online`
  /// may choose the movable zone. Succeeds if the block is online already. Returns 0 or the error
  /// number.
  [[nodiscard]] virtual int online(std::uint32_t block, OnlineZone zone) = 0;
  [[nodiscard]] virtual BalloonFigures balloon() const = 0;
  /// Fills in the figures of the kernel's memory, MemTotal and the balloon's size from one moment.
  virtual void figures(AgentReport& report) const = 0;
  /// The free memory of all zones. The call itself takes no memory.
  [[nodiscard]] virtual Kib free_memory() const = 0;
};

}  // namespace memctl::agent
