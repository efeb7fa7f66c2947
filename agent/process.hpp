// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The agent's own process, in a guest that may be short of memory.
#pragma once

#include <string>

#include "agent/core/surroundings.hpp"

namespace memctl::agent {

/// Writes one line to stderr. Never waits, because a starving journal must not stop the agent.
void log_line(const std::string& line);

[[nodiscard]] Time boot_time();
[[nodiscard]] Time process_cpu_time();

/// This process.
class OwnProcess final : public Process {
 public:
  [[nodiscard]] Time now() const override { return boot_time(); }
  [[nodiscard]] Time cpu_time() const override { return process_cpu_time(); }
  void log(const std::string& line) override { log_line(line); }
};

/// Sixteen random hexadecimal digits.
[[nodiscard]] std::string random_instance();

/// Takes all heap and stack that the agent will ever need, and locks the process in memory. Must be
/// called before any thread starts. If the system refuses, logs that, and the agent works without.
void lock_memory();
/// Exempts the process from the OOM killer, unless it is exempt already. Logs a refusal.
void exempt_from_oom_killer();

}  // namespace memctl::agent
