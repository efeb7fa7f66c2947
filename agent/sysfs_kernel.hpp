// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/kernel.hpp"

namespace memctl::agent {

/// The guest's kernel, through /sys and /proc below `root`. Reading takes no memory beside fixed
/// buffers and the list of blocks.
class SysfsKernel : public Kernel {
 public:
  /// An empty `root` is the real root directory.
  explicit SysfsKernel(const std::string& root = {});

  [[nodiscard]] KernelFacts facts() const override;
  [[nodiscard]] OnlinePolicy policy_for(OnlineZone zone) const override;
  [[nodiscard]] std::optional<OnlinePolicy> policy() const override;
  [[nodiscard]] int set_policy(OnlinePolicy policy) override;
  void scan(std::vector<Block>& blocks) override;
  [[nodiscard]] int online(std::uint32_t block, OnlineZone zone) override;
  [[nodiscard]] BalloonFigures balloon() const override;
  void figures(AgentReport& report) const override;
  [[nodiscard]] Kib free_memory() const override;

 private:
  [[nodiscard]] std::string release() const;
  /// The state in which a block is brought online.
  [[nodiscard]] static OnlinePolicy state_for(OnlineZone zone);
  [[nodiscard]] bool lacks_xen_hotplug(std::string_view release) const;
  [[nodiscard]] bool is_movable(std::uint32_t block) const;

  std::string memory_;   ///< …/sys/devices/system/memory/
  std::string balloon_;  ///< …/sys/devices/system/xen_memory/xen_memory0/
  std::string proc_;
  Kib page_size_;
  std::vector<Block> earlier_;  ///< A member, so that its memory is allocated once.
};

}  // namespace memctl::agent
