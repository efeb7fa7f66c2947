// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "agent/core/agent_core.hpp"
#include "agent/core/mailbox.hpp"
#include "agent/locked_ballast.hpp"
#include "agent/process.hpp"
#include "agent/record_file.hpp"
#include "agent/sysfs_kernel.hpp"
#include "agent/uevents.hpp"
#include "agent/xenstore_link.hpp"

namespace memctl::agent {

/// The agent with its surroundings: mailbox, uevents, signals, and the loop that waits for them.
class Service {
 public:
  struct Options {
    std::string root{};  ///< The directory that contains /sys, /proc and udev's rules.
    std::string run_directory{"/run/memctl-agent"};  ///< The directory of the record.
  };

  /// `xenstore` is an open connection to xenstored.
  Service(const Options& options, Fd xenstore);

  /// Serves until SIGTERM or SIGINT and returns 0, or until xenstore is lost and returns 1.
  [[nodiscard]] int run();

 private:
  [[nodiscard]] AgentHello make_hello(const std::string& root) const;
  /// Serves until a signal ends it. False: xenstore was lost, or poll failed.
  [[nodiscard]] bool serve();
  void look_at_mailbox();
  void look_at_signals();

  SysfsKernel kernel_;
  LockedBallast ballast_;
  RecordFile records_;
  OwnProcess process_;
  XenstoreLink link_;
  Uevents uevents_;
  Fd signals_;
  AgentHello hello_;
  Mailbox mailbox_;
  AgentCore core_;
  bool told_to_end_{false};
};

}  // namespace memctl::agent
