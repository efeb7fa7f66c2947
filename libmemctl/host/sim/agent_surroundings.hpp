// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The surroundings of the real agent's core in a simulated guest.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "agent/core/surroundings.hpp"
#include "host/sim/linux_guest.hpp"

namespace memctl::host::sim {

/// The simulated kernel, as the agent sees it in /sys and /proc.
class AgentKernel final : public agent::Kernel {
 public:
  explicit AgentKernel(LinuxGuest& linux) : linux_{linux} {}

  [[nodiscard]] agent::KernelFacts facts() const override;
  [[nodiscard]] agent::OnlinePolicy policy_for(OnlineZone zone) const override {
    return agent::policy_for(zone, linux_.spec().machine);
  }
  [[nodiscard]] std::optional<agent::OnlinePolicy> policy() const override;
  [[nodiscard]] int set_policy(agent::OnlinePolicy policy) override;
  void scan(std::vector<agent::Block>& blocks) override;
  [[nodiscard]] int online(std::uint32_t block, OnlineZone zone) override;
  [[nodiscard]] agent::BalloonFigures balloon() const override;
  void figures(AgentReport& report) const override;
  [[nodiscard]] Kib free_memory() const override;

 private:
  LinuxGuest& linux_;
};

class AgentBallast final : public agent::Ballast {
 public:
  /// `held`: the agent holds the ballast from the beginning, and the guest's free memory does not
  /// include it.
  AgentBallast(LinuxGuest& linux, bool held) : Ballast{held}, linux_{linux} {}
  ~AgentBallast() override { lend(); }

 private:
  [[nodiscard]] bool obtain() override;
  void give_back() override { linux_.lock(-size); }

  LinuxGuest& linux_;
};

class AgentRecord final : public agent::RecordStore {
 public:
  [[nodiscard]] std::optional<agent::Record> load() const override { return record_; }
  [[nodiscard]] int save(const agent::Record& record) override {
    record_ = record;
    return 0;
  }

 private:
  std::optional<agent::Record> record_{};
};

}  // namespace memctl::host::sim
