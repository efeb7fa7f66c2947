// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>

#include "guest/session.hpp"
#include "host/port.hpp"
#include "host/task.hpp"
#include "resize/observed_domain.hpp"
#include "resize/patience.hpp"

namespace memctl::resize {

/// The link to a guest's agent. What the agent says goes into the facts of the domain. If no agent
/// answers at first, there is none from then on, and everything here does nothing and succeeds.
/// Belongs to the host's executor.
class AgentLink {
 public:
  /// All of them must outlive this; `wakeup` is notified when the guest wrote.
  AgentLink(host::Port& port, host::Wakeup& wakeup, ObservedDomain& domain, OnlineZone online);

  /// Opens the mailbox. Errors: `store_error`.
  [[nodiscard]] Result<void> open();
  /// Asks for the first time, unless the domain is paused or ending, or the caller does without an
  /// agent: then nothing that the guest claims may count. An agent that does not answer
  /// is no error: the guest's facts then are unknown, and `error` tells why. Errors: the host's.
  [[nodiscard]] host::Task<void> meet();
  /// The same, again and again until an agent answers, for `time` at most. Errors: also those of
  /// `patience`.
  [[nodiscard]] host::Task<void> await(const Patience& patience, host::Duration time);
  [[nodiscard]] bool answers() const { return domain_->facts().guest.has_value(); }
  /// Why no agent answered `meet`.
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }
  /// The number in this link's requests. The record of an operation has the same.
  [[nodiscard]] std::uint64_t operation() const { return operation_; }

  /// Asks, and waits for the answer. Errors: those of `Session::ask`.
  [[nodiscard]] host::Task<void> ask(RequestKind kind, std::uint32_t stage, Kib size);
  /// Takes in the report that the guest wrote last. Errors: `store_error`.
  [[nodiscard]] Result<void> take_report();
  /// Keeps the agent serving: asks again before its lease ends, and when it falls silent. Errors:
  /// `agent_absent` if it does not answer and no layer has moved since `moved_at`; `store_error`.
  /// The more blocks are to come, the longer the guest's kernel may leave the agent no time.
  [[nodiscard]] Result<void> keep(std::uint32_t stage, Kib size, host::TimePoint moved_at,
                                  Kib blocks_left);
  /// Whether the agent owes an answer for so long that it would be missed in a guest that adds no
  /// blocks.
  [[nodiscard]] bool is_silent() const;
  /// Tells the agent that the operation is over. If this does not reach the agent, it restores the
  /// guest's policy by itself when its lease ends.
  void release();

 private:
  host::Port* port_;
  host::Wakeup* wakeup_;
  ObservedDomain* domain_;
  OnlineZone online_;
  std::uint64_t operation_;
  std::optional<guest::Session> session_{};
  std::optional<Error> error_{};
  host::TimePoint paused_at_{};  ///< When `keep` last saw the domain paused.
};

}  // namespace memctl::resize
