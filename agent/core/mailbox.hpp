// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>

#include "agent/core/agent_core.hpp"
#include "agent/core/surroundings.hpp"

namespace memctl::agent {

/// The three nodes of docs/protocol.md, from the guest's side.
inline constexpr const char* hello_path = "data/memctl/hello";
inline constexpr const char* report_path = "data/memctl/report";
inline constexpr const char* mailbox_path = "data/memctl";
inline constexpr const char* request_path = "control/memctl/request";

/// What a kernel and this protocol make of a hello; who the agent is, and udev's rules, are the
/// caller's to say.
[[nodiscard]] AgentHello hello_of(const Kernel& kernel);

/// The agent's end of the mailbox: announces it, tells what dom0 asks, and takes the reports.
class Mailbox final : public Outbox {
 public:
  /// Both must outlive this.
  Mailbox(GuestStore& store, Process& process, const AgentHello& hello);

  /// Writes the hello. False, once that has been logged: it cannot be written.
  [[nodiscard]] bool announce();
  /// The core begins, with the request that stands in the mailbox.
  void start(AgentCore& core);
  /// To be called when the request's node may have changed: hands `core` what is new.
  void look(AgentCore& core);
  /// Takes the guest's nodes away.
  void clear() { store_.remove(mailbox_path); }

  void publish(const AgentReport& report) override;

 private:
  [[nodiscard]] std::optional<AgentRequest> read_request(bool& absent);
  void log_failure(const char* path, int error);

  GuestStore& store_;
  Process& process_;
  std::uint32_t protocol_min_;
  std::uint32_t protocol_max_;
  std::string hello_;         ///< As it stands in the mailbox.
  std::string last_request_;  ///< The value read last.
  int write_error_{0};        ///< Logged once.
};

}  // namespace memctl::agent
