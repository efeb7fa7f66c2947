// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/facts.hpp"
#include "guest/mailbox.hpp"
#include "host/clock.hpp"
#include "host/port.hpp"
#include "host/task.hpp"

namespace memctl::guest {

/// If a request is not answered for this long, there is no agent.
inline constexpr std::chrono::seconds answer_time{5};

/// One operation's conversation with a guest's agent. What the agent says is a claim: it is
/// bounded, and nothing that the host's accounts depend on rests on it. Belongs to the host's
/// executor.
class Session {
 public:
  /// Watches the domain's mailbox from now on; `wakeup` is notified when the guest wrote. `port`
  /// and `wakeup` must outlive the session. Errors: `store_error`.
  [[nodiscard]] static Result<Session> open(host::Port& port, const DomainIdentity& domain,
                                            std::uint64_t operation, host::Wakeup& wakeup);

  /// Sends a request and waits for the report that answers it; with it there is a `hello`. `wakeup`
  /// may be notified by others meanwhile; their notifications are left pending.
  /// Errors: `agent_absent` without a hello, and after `answer_time` without an answer;
  /// `agent_incompatible`; `no_such_domain`, `store_error`.
  [[nodiscard]] host::Task<AgentReport> ask(RequestKind kind, std::uint32_t stage, Kib target,
                                            OnlineZone online);
  /// Sends a request and doesn't wait. Errors: `no_such_domain`, `store_error`.
  [[nodiscard]] Result<void> send(RequestKind kind, std::uint32_t stage, Kib target,
                                  OnlineZone online);
  /// Sends the last request again if it is due: the mailbox holds one request and one report, and
  /// another's may have taken the place of either. Errors: as `send`.
  [[nodiscard]] Result<void> repeat();
  /// Takes in what the guest wrote since the last call. Errors: `store_error`.
  [[nodiscard]] Result<void> poll();

  [[nodiscard]] const std::optional<AgentHello>& hello() const { return hello_; }
  /// The last report that belongs to this operation.
  [[nodiscard]] const std::optional<AgentReport>& report() const { return report_; }
  /// Whether the last request has been answered, and since when it has not.
  [[nodiscard]] bool answered() const;
  [[nodiscard]] host::TimePoint asked_at() const { return asked_at_; }
  /// When the last report came; the clock's epoch before the first.
  [[nodiscard]] host::TimePoint reported_at() const { return reported_at_; }

 private:
  Session(host::Port& port, const DomainIdentity& domain, std::uint64_t operation,
          host::Wakeup& wakeup);
  [[nodiscard]] Result<void> require_hello() const;
  [[nodiscard]] Result<void> write();
  /// When `repeat` will send.
  [[nodiscard]] host::TimePoint repeat_at() const;

  host::Port* port_;
  std::string domain_name_;
  host::Wakeup* wakeup_;
  Mailbox mailbox_;
  std::unique_ptr<host::Watch> watch_;
  AgentRequest request_{};           ///< the last one, as it was written last
  std::uint64_t first_sequence_{0};  ///< with which it was written first
  bool displaced_{false};            ///< since then another operation's report was seen
  std::optional<AgentHello> hello_;
  std::optional<AgentReport> report_;
  host::TimePoint asked_at_{};
  host::TimePoint written_at_{};
  host::TimePoint reported_at_{};
};

}  // namespace memctl::guest
