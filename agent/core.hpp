// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/ballast.hpp"
#include "agent/kernel.hpp"
#include "agent/record.hpp"
#include "base/facts.hpp"

namespace memctl::agent {

/// The agent without its surroundings: requests, uevents and the passing of time go in; reports and
/// changes of the kernel's policy come out. It never waits, and it is told the time.
///
/// States: idle (silent, no wake-up wanted), or serving one operation, from its first PREPARE to a
/// RELEASE, to the end of its lease, or to `operation_lost`. Only PREPARE touches the kernel.
class AgentCore {
 public:
  struct Ports {
    std::function<void(const AgentReport&)> publish{};
    std::function<void(const std::string&)> log{};  ///< One line, for an administrator.
    /// What the guest has free, asked in a way that takes no memory.
    std::function<Kib()> free_memory{};
  };

  /// A report at least so often while serving; the protocol promises 2 s.
  static constexpr Time heartbeat{1500};
  /// Changes within so long are folded into one report. A guest with thousands of blocks takes
  /// longer to look at: then four times as long as the last look took.
  static constexpr Time fold{50};
  /// The balloon sends no event. While it is on its way it is looked at so often at first, and
  /// half as often each time that nothing has moved.
  static constexpr Time poll_fastest{50};
  static constexpr Time poll_slowest{400};

  /// `kernel` and `records` must outlive this. `now` is also the first report's sequence number,
  /// which so grows across restarts of the agent.
  AgentCore(Kernel& kernel, RecordFile& records, Ports ports, Time now);

  /// Once: takes up what an agent before this one left. `standing`: the request found in the
  /// mailbox.
  void start(const std::optional<AgentRequest>& standing, Time now);
  /// A request that appeared. Dropped where it is not newer than the last one of its operation.
  /// Another operation's is new whatever its number: two writers in dom0 may have counted apart.
  void request(const AgentRequest& request, Time now);
  /// The mailbox holds no request (any more): the next one may have any number.
  void request_absent();
  /// The mailbox is a new one (after a restore or migration): whoever wrote the requests is gone.
  void mailbox_replaced(const std::optional<AgentRequest>& standing, Time now);
  /// A uevent told of memory.
  void memory_changed(Time now);
  /// To be called at `next_wake`, or at any other time.
  void tick(Time now);
  /// When `tick` is wanted; nothing while idle.
  [[nodiscard]] std::optional<Time> next_wake() const;
  [[nodiscard]] bool serving() const { return record_.active; }
  /// Before a clean end of the process: the policy is restored. The record stays, so that an agent
  /// that is started again within the lease goes on.
  void stop();

 private:
  [[nodiscard]] bool was_carried_out(const AgentRequest& request) const;
  void carry_out(const AgentRequest& request, Time now);
  void prepare(const AgentRequest& request, Time now);
  void apply_policy();
  void restore_policy();
  void end_operation();
  void save();
  void online_blocks();
  void take_ballast();
  void look(Time now);
  /// What `look` saw, for the operation that is served, or as an answer to `asked`.
  void publish(AgentPhase phase, Time now, const AgentRequest* asked = nullptr);
  [[nodiscard]] AgentPhase phase() const;
  [[nodiscard]] bool balloon_is_moving() const;
  [[nodiscard]] bool gives_back() const;
  void log(const std::string& line) const;

  Kernel* kernel_;
  RecordFile* records_;
  Ports ports_;
  Ballast ballast_;  ///< Lent for as long as an operation is served.
  Record record_;
  std::uint64_t report_sequence_;

  std::vector<Block> blocks_;
  BalloonFigures balloon_;
  std::string policy_error_;  ///< Stays until the policy could be set.
  std::string block_error_;   ///< The last look's.
  bool dirty_{false};
  Time fold_{fold};
  Time last_report_{};
  Time next_poll_{};
  Time poll_interval_{poll_fastest};
};

}  // namespace memctl::agent
