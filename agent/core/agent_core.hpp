// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/surroundings.hpp"
#include "base/facts.hpp"

namespace memctl::agent {

/// The agent without its surroundings: requests, uevents and the passing of time go in; reports and
/// changes of the kernel's policy come out. It never waits.
///
/// States: idle (silent, no wake-up wanted), or serving one operation, from its first PREPARE to a
/// RELEASE, to the end of its lease, or to `operation_lost`. Only PREPARE touches the kernel.
class AgentCore {
 public:
  /// A report at least so often while serving; the protocol promises 2 s.
  static constexpr Time heartbeat{1500};
  /// Changes within so long are folded into one report. A guest with thousands of blocks takes
  /// longer to look at: then four times as long as the last look took.
  static constexpr Time fold{50};
  /// The balloon sends no event. While it is on its way it is looked at so often at first, and
  /// half as often each time that nothing has moved.
  static constexpr Time poll_fastest{50};
  static constexpr Time poll_slowest{400};

  /// The present time is the first report's sequence number, which so grows across restarts of the
  /// agent.
  explicit AgentCore(const Surroundings& surroundings);

  /// Once: takes up what an agent before this one left. `standing`: the request found in the
  /// mailbox.
  void start(const std::optional<AgentRequest>& standing);
  /// A request that appeared. Dropped where it is not newer than the last one of its operation.
  /// Another operation's is new whatever its number: two writers in dom0 may have counted apart.
  void request(const AgentRequest& request);
  /// The mailbox holds no request (any more): the next one may have any number.
  void request_absent();
  /// The mailbox is a new one (after a restore or migration): whoever wrote the requests is gone.
  void mailbox_replaced(const std::optional<AgentRequest>& standing);
  /// A uevent told of memory.
  void memory_changed();
  /// To be called at `next_wake`, or at any other time.
  void tick();
  /// When `tick` is wanted; nothing while idle.
  [[nodiscard]] std::optional<Time> next_wake() const;
  [[nodiscard]] bool serving() const { return record_.active; }
  /// Before a clean end of the process: the policy is restored. The record stays, so that an agent
  /// that is started again within the lease goes on.
  void stop();

 private:
  [[nodiscard]] bool was_carried_out(const AgentRequest& request) const;
  void carry_out(const AgentRequest& request);
  void prepare(const AgentRequest& request);
  void apply_policy();
  void restore_policy();
  void end_operation();
  void save();
  void online_blocks();
  void take_ballast();
  void look();
  /// What `look` saw, for the operation that is served, or as an answer to `asked`.
  void publish(AgentPhase phase, const AgentRequest* asked = nullptr);
  [[nodiscard]] AgentPhase phase() const;
  [[nodiscard]] bool balloon_is_moving() const;
  [[nodiscard]] bool gives_back() const;

  Kernel& kernel_;
  Ballast& ballast_;  ///< Lent for as long as an operation is served.
  RecordStore& records_;
  Outbox& outbox_;
  Process& process_;
  Time now_;  ///< When the call at hand began.
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
