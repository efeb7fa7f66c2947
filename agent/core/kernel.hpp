// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/facts.hpp"

namespace memctl::agent {

/// One block of memory as sysfs shows it.
struct Block {
  std::uint32_t id{};
  bool online{};
  bool movable{};  ///< Online in the movable zone.
  friend bool operator==(const Block&, const Block&) = default;
};

/// auto_online_blocks: what the kernel does with memory that is added.
enum class OnlinePolicy { offline, online, online_kernel, online_movable };
[[nodiscard]] const char* name(OnlinePolicy policy);
[[nodiscard]] std::optional<OnlinePolicy> policy_named(std::string_view name);
[[nodiscard]] constexpr OnlinePolicy policy_for(OnlineZone zone) {
  return zone == OnlineZone::movable ? OnlinePolicy::online_movable : OnlinePolicy::online_kernel;
}

/// What never changes while a kernel runs.
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

/// What the agent asks of its guest's kernel. Every call looks afresh: uevents are never trusted to
/// be complete.
class Kernel {
 public:
  virtual ~Kernel() = default;

  [[nodiscard]] virtual KernelFacts facts() const = 0;
  [[nodiscard]] virtual std::optional<OnlinePolicy> policy() const = 0;
  /// 0, or the error number.
  [[nodiscard]] virtual int set_policy(OnlinePolicy policy) = 0;
  /// Makes `blocks` what is present now, by number. `blocks` may hold the result of an earlier
  /// scan: the zone of a block that stayed online may be taken from there.
  virtual void scan(std::vector<Block>& blocks) = 0;
  /// Onlines a block; not the kernel's plain `online`, which may choose the movable zone. A block
  /// that is online by now is a success. 0, or the error number.
  [[nodiscard]] virtual int online(std::uint32_t block, OnlineZone zone) = 0;
  [[nodiscard]] virtual BalloonFigures balloon() const = 0;
  /// Fills in what the kernel knows of its memory.
  virtual void figures(AgentReport& report) const = 0;
  /// What is free in all zones, asked in a way that takes no memory.
  [[nodiscard]] virtual Kib free_memory() const = 0;
};

}  // namespace memctl::agent
