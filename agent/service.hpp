// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "agent/core.hpp"
#include "agent/kernel.hpp"
#include "agent/record.hpp"
#include "agent/uevents.hpp"
#include "agent/xenstore_link.hpp"

namespace memctl::agent {

/// The agent with its surroundings: mailbox, uevents, signals, and the loop that waits for them.
class Service {
 public:
  struct Options {
    std::string root{};                              ///< Before /sys, /proc and udev's rules.
    std::string run_directory{"/run/memctl-agent"};  ///< Where the record is kept.
  };

  Service(const Options& options, std::unique_ptr<XenstoreLink> link);

  /// Serves until SIGTERM or SIGINT (0), or until xenstore is lost (1).
  [[nodiscard]] int run();

 private:
  enum class Ending { none, clean, lost };

  [[nodiscard]] bool announce();
  [[nodiscard]] std::optional<AgentRequest> read_request(bool& absent);
  void look_at_mailbox();
  void look_at_signals();
  void send(const AgentReport& report);
  void end(Ending ending);
  /// The connection failed for good: says so once, and ends.
  void lose(const char* where, int error);

  std::string root_;
  Kernel kernel_;
  RecordFile records_;
  std::unique_ptr<XenstoreLink> link_;
  Uevents uevents_;
  Fd signals_;
  AgentCore core_;
  std::string hello_;         ///< As it stands in the mailbox.
  std::string last_request_;  ///< The value read last.
  int write_error_{0};        ///< Logged once.
  Ending ending_{Ending::none};
};

}  // namespace memctl::agent
