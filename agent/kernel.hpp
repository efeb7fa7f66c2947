// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/parse.hpp"
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
  Kib block_size{};
  bool hotplug{};
  std::string no_hotplug_reason{};
};

struct BalloonFigures {
  std::optional<Kib> target{};
  std::optional<Kib> current{};
  friend bool operator==(const BalloonFigures&, const BalloonFigures&) = default;
};

/// The guest's kernel, through /sys and /proc below `root`. Every call looks afresh: uevents are
/// never trusted to be complete. Reading needs no memory beyond fixed buffers and the list of
/// blocks.
class Kernel {
 public:
  /// `root`: empty for the real one.
  explicit Kernel(const std::string& root = {});

  [[nodiscard]] KernelFacts facts() const;
  /// What Ubuntu's kernels say of the release that they are built from; nothing: not one of them.
  [[nodiscard]] std::optional<std::string> signature() const;
  [[nodiscard]] std::optional<OnlinePolicy> policy() const;
  /// 0, or the error number.
  [[nodiscard]] int set_policy(OnlinePolicy policy) const;
  /// Makes `blocks` what is present now, by number. `blocks` may hold the result of an earlier
  /// scan: the zone of a block that stayed online is taken from there and not asked again.
  void scan(std::vector<Block>& blocks);
  /// Onlines a block; not the kernel's plain `online`, which may choose the movable zone.
  /// 0, or the error number.
  [[nodiscard]] int online(std::uint32_t block, OnlineZone zone) const;
  [[nodiscard]] BalloonFigures balloon() const;
  /// Fills in what /proc knows.
  void figures(AgentReport& report) const;

 private:
  [[nodiscard]] bool is_movable(std::uint32_t block) const;

  std::string memory_;   ///< …/sys/devices/system/memory/
  std::string balloon_;  ///< …/sys/devices/system/xen_memory/xen_memory0/
  std::string proc_;
  Kib page_size_;
  std::vector<Block> earlier_;  ///< Kept for its room.
};

}  // namespace memctl::agent
