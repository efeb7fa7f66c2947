// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the agent is as a process of a guest that may be starving.
#pragma once

#include <string>

#include "agent/core/surroundings.hpp"

namespace memctl::agent {

/// One line to stderr. Never waits: a journal that is starving too must not stop the agent.
void log_line(const std::string& line);

[[nodiscard]] Time boot_time();

/// This process.
class OwnProcess final : public Process {
 public:
  [[nodiscard]] Time now() const override { return boot_time(); }
  void log(const std::string& line) override { log_line(line); }
};

/// Sixteen random hexadecimal digits.
[[nodiscard]] std::string random_instance();

/// Takes the heap and stack that the agent will ever need, and keeps all of the process in memory.
/// Before any thread is made. Logs what the system refuses; the agent works without.
void lock_memory();
/// Exempts the process from the OOM killer, unless it is already. Logs a refusal.
void exempt_from_oom_killer();

}  // namespace memctl::agent
