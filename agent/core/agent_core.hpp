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
/// The agent is idle and silent, or it serves one operation: from the operation's first PREPARE to
/// a RELEASE, to the end of its lease, or to a `mailbox_replaced`. Only PREPARE changes the kernel.
class AgentCore {
 public:
  /// The longest time between two reports while serving. The protocol promises 2 s.
  static constexpr Time heartbeat{1500};
  /// Changes within this time go into one report. If a report takes the guest's processor long, as
  /// that of a guest with thousands of blocks does, the time is six times as long, so that reports
  /// take no more than a sixth of a processor. Added blocks are brought online before that: they
  /// wait for four times as long as the last look at the blocks took, and no more.
  static constexpr Time fold{50};
  /// The balloon sends no event, so the agent looks at it. The time between two looks is
  /// `poll_fastest` while the balloon moves, and doubles up to `poll_slowest` while it rests.
  static constexpr Time poll_fastest{50};
  static constexpr Time poll_slowest{400};

  /// The first report's sequence number is the present time, so that the numbers also grow across
  /// restarts of the agent.
  explicit AgentCore(const Surroundings& surroundings);

  /// Must be called once. Continues what an earlier agent left. `standing` is the request in the
  /// mailbox.
  void start(const std::optional<AgentRequest>& standing);
  /// Handles a request. Drops it if it is not newer than the last request of its operation. A
  /// request of another operation is always new, because two writers in dom0 may count
  /// independently.
  void request(const AgentRequest& request);
  /// The mailbox has no request. The next request may have any number.
  void request_absent();
  /// After a restore or migration the mailbox is new, and the writer of the last requests is gone.
  void mailbox_replaced(const std::optional<AgentRequest>& standing);
  /// A uevent says that memory changed.
  void memory_changed();
  /// Must be called at `next_wake`, and may be called at any other time.
  void tick();
  /// When `tick` must be called. Nothing: the agent is idle.
  [[nodiscard]] std::optional<Time> next_wake() const;
  [[nodiscard]] bool serving() const { return record_.active; }
  /// Restores the policy. Must be called before a clean end of the process. The record stays, so
  /// that an agent that starts again within the lease can continue.
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
  /// `all`: also at the blocks, although nothing tells of a change.
  void look(bool all);
  /// Finds the blocks, and brings offline blocks online.
  void look_at_blocks();
  /// Reports what `look` saw: to the operation that is served, or as the answer to `asked`.
  void publish(AgentPhase phase, const AgentRequest* asked = nullptr);
  [[nodiscard]] bool must_look_at_blocks() const;
  [[nodiscard]] bool all_online() const;
  [[nodiscard]] AgentPhase phase() const;
  [[nodiscard]] Time next_report() const;
  [[nodiscard]] bool balloon_is_moving() const;
  [[nodiscard]] bool gives_back() const;

  Kernel& kernel_;
  Ballast& ballast_;  ///< Lent while an operation is served.
  RecordStore& records_;
  Outbox& outbox_;
  Process& process_;
  Time now_;  ///< When the present call began.
  Record record_;
  std::uint64_t report_sequence_;

  std::vector<Block> blocks_;
  BalloonFigures balloon_;
  std::string policy_error_;  ///< Why the policy could not be set.
  std::string block_error_;   ///< Why the last look could not bring a block online.
  bool dirty_{false};         ///< Something is to be reported.
  bool unseen_{false};        ///< Blocks may have come that no look has seen.
  Time spent_{};              ///< The processor time of looks at the blocks since the last report.
  Time report_cost_{};        ///< The processor time of the last report.
  Time last_block_look_{};
  Time next_block_look_{};
  bool answered_{false};  ///< The last report answered another operation than the served one.
  Time last_report_{};
  Time next_poll_{};
  Time poll_interval_{poll_fastest};
};

}  // namespace memctl::agent
