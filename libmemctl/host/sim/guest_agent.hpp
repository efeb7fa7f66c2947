// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>

#include "agent/core/mailbox.hpp"
#include "host/sim/agent_conduct.hpp"
#include "host/sim/agent_surroundings.hpp"
#include "host/sim/guest_time.hpp"
#include "host/sim/linux_guest.hpp"
#include "host/sim/store_model.hpp"

namespace memctl::host::sim {

struct AgentSpec {
  AgentConduct conduct{AgentConduct::normal};
  Duration latency{std::chrono::milliseconds{2}};  ///< The way of a request or uevent to the agent.
  Duration report_latency{};                       ///< The way of a report to dom0.
  Duration start{std::chrono::seconds{1}};         ///< From the kernel's start to the hello.
  std::uint32_t protocol_min{1};
  std::uint32_t protocol_max{1};
  std::string version{"0.1.0-sim"};
};

/// memctl-agent in a simulated guest: the real agent's core and mailbox, in the guest's time.
class GuestAgent final : private agent::Process {
 public:
  GuestAgent(GuestTime& time, StoreModel& store, LinuxGuest& linux, AgentSpec spec,
             std::uint64_t seed);

  /// Ends the agent's process, and starts a new process, which announces itself in `domain`.
  void start(DomainId domain);
  /// After a restore: the guest and its agent continue as `domain`.
  void move_to(DomainId domain);
  /// Ends the agent's process at once. The nodes that it wrote stay.
  void kill() { set_conduct(AgentConduct::killed); }
  /// Ends the agent's process as its service is stopped: it restores the policy and removes its
  /// nodes. `start` starts it again.
  void stop();
  void set_conduct(AgentConduct conduct);
  [[nodiscard]] const AgentSpec& spec() const { return spec_; }

  [[nodiscard]] int reports_written() const { return store_.reports_written(); }
  /// For tests: changes each report before it is written.
  void distort(std::function<void(AgentReport&)> change) { store_.distort(std::move(change)); }

  /// A memory block appeared, or changed its state.
  void on_uevent();

 private:
  /// What exists as long as the agent's process.
  struct Running {
    Running(GuestAgent& agent, bool holds_ballast);
    AgentBallast ballast;
    agent::Mailbox mailbox;
    agent::AgentCore core;
    bool hears_uevents{false};
  };

  [[nodiscard]] agent::Time now() const override;
  /// What the agent does takes no time.
  [[nodiscard]] agent::Time cpu_time() const override { return {}; }
  void log(const std::string& /*line*/) override {}
  [[nodiscard]] AgentHello make_hello();
  void watch();
  void settle();
  void end_process();

  GuestTime& time_;
  StoreModel& tree_;
  LinuxGuest& linux_;
  AgentSpec spec_;
  std::mt19937_64 random_;
  TimePoint booted_;
  DomainId domain_{};
  int starts_{0};

  AgentKernel kernel_;
  AgentRecord record_{};
  ConductedStore store_;
  std::unique_ptr<Running> running_{};

  StoreModel::Registration request_watch_{};
  GuestTimer mailbox_due_;
  GuestTimer uevent_due_;
  GuestTimer wake_;
};

}  // namespace memctl::host::sim
