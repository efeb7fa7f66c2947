// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>

#include "agent/core/agent_core.hpp"
#include "agent/core/surroundings.hpp"

namespace memctl::agent {

/// The nodes of docs/protocol.md, as paths in the guest.
inline constexpr const char* hello_path = "data/memctl/hello";
inline constexpr const char* report_path = "data/memctl/report";
inline constexpr const char* mailbox_path = "data/memctl";
inline constexpr const char* request_path = "control/memctl/request";

/// A hello with the kernel's facts and the protocol's versions. The caller fills in the agent's own
/// version and instance, and udev's rules.
[[nodiscard]] AgentHello hello_of(const Kernel& kernel);

/// The agent's end of the mailbox: writes the hello and the reports, and reads dom0's requests.
class Mailbox final : public Outbox {
 public:
  /// `store` and `process` must outlive this.
  Mailbox(GuestStore& store, Process& process, const AgentHello& hello);

  /// Writes the hello. False: it cannot be written, and that has been logged.
  [[nodiscard]] bool announce();
  /// Starts the core with the request in the mailbox.
  void start(AgentCore& core);
  /// Must be called when the request's node may have changed. Tells `core` what is new.
  void look(AgentCore& core);
  /// Removes the guest's nodes.
  void clear() { store_.remove(mailbox_path); }

  void publish(const AgentReport& report) override;

 private:
  [[nodiscard]] std::optional<AgentRequest> read_request(bool& absent);
  void log_failure(const char* path, int error);

  GuestStore& store_;
  Process& process_;
  std::uint32_t protocol_min_;
  std::uint32_t protocol_max_;
  std::string hello_;         ///< The hello's value in the mailbox.
  std::string last_request_;  ///< The request's value that was read last.
  int write_error_{0};        ///< The last write's error, so that it is logged once.
};

}  // namespace memctl::agent
