// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/facts.hpp"
#include "guest/bell.hpp"
#include "guest/mailbox.hpp"
#include "host/clock.hpp"
#include "host/port.hpp"
#include "host/task.hpp"

namespace memctl::guest {

/// If a request is not answered for this long, there is no agent.
inline constexpr std::chrono::seconds answer_time{5};

/// One operation's conversation with a guest's agent. The guest claims everything that the agent
/// says: the decoder checks its bounds, and the host's accounts do not depend on it. Belongs to the
/// host's executor.
class Session {
 public:
  /// Watches the domain's mailbox from now on, and notifies `wakeup` when the guest has written, as
  /// far as its `Bell` lets it. `port` and `wakeup` must outlive the session. Errors:
  /// `store_error`.
  [[nodiscard]] static Result<Session> open(host::Port& port, const DomainIdentity& domain,
                                            std::uint64_t operation, host::Wakeup& wakeup);

  /// Sends a request and waits for the report that answers it. After that there is a `hello`. Does
  /// not wait on `wakeup`: what notifies it meanwhile stays pending. If an agent has answered
  /// before and its hello is gone, waits for the hello too: an upgrade restarts the agent. Errors:
  /// `agent_absent` if there is no hello, or no answer, within `answer_time`;
  /// `agent_incompatible`, `no_such_domain`, `store_error`.
  [[nodiscard]] host::Task<AgentReport> ask(RequestKind kind, std::uint32_t stage, Kib target,
                                            OnlineZone online);
  /// Sends a request and does not wait. Errors: `no_such_domain`, `store_error`.
  [[nodiscard]] Result<void> send(RequestKind kind, std::uint32_t stage, Kib target,
                                  OnlineZone online);
  /// Sends the last request again if it is due. The mailbox holds one request and one report, and
  /// another operation may have overwritten either. Errors: those of `send`.
  [[nodiscard]] Result<void> repeat();
  /// Reads what the guest wrote since the last call. Errors: `store_error`.
  [[nodiscard]] Result<void> poll();

  [[nodiscard]] const std::optional<AgentHello>& hello() const { return hello_; }
  /// The last report that belongs to this operation.
  [[nodiscard]] const std::optional<AgentReport>& report() const { return report_; }
  /// Whether the last request has been answered.
  [[nodiscard]] bool answered() const;
  /// When the last request was sent first.
  [[nodiscard]] host::TimePoint asked_at() const { return asked_at_; }
  /// When the last report came; the clock's epoch before the first.
  [[nodiscard]] host::TimePoint reported_at() const { return reported_at_; }

 private:
  Session(host::Port& port, const DomainIdentity& domain, std::uint64_t operation,
          host::Wakeup& wakeup);
  [[nodiscard]] Result<void> require_hello() const;
  [[nodiscard]] Result<void> write();
  /// When the next `repeat` is due.
  [[nodiscard]] host::TimePoint repeat_at() const;

  host::Port* port_;
  std::string domain_name_;
  Mailbox mailbox_;
  std::unique_ptr<Bell> bell_;
  std::unique_ptr<host::Watch> watch_;
  AgentRequest request_{};           ///< The last request, as it was written last.
  std::uint64_t first_sequence_{0};  ///< The number with which this request was written first.
  bool displaced_{false};            ///< Another operation's report was seen since the last write.
  std::optional<AgentHello> hello_;
  bool met_{false};  ///< An agent has answered.
  std::optional<AgentReport> report_;
  host::TimePoint asked_at_{};
  host::TimePoint written_at_{};
  host::TimePoint reported_at_{};
};

}  // namespace memctl::guest
