// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The interfaces of the agent's core to its surroundings, beside the kernel. The core makes no
// system call.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/core/ballast.hpp"
#include "agent/core/kernel.hpp"
#include "agent/core/record.hpp"

namespace memctl::agent {

/// The agent's process.
class Process {
 public:
  virtual ~Process() = default;
  [[nodiscard]] virtual Time now() const = 0;
  /// The processor time that the process has used.
  [[nodiscard]] virtual Time cpu_time() const = 0;
  /// Writes one line for an administrator.
  virtual void log(const std::string& line) = 0;
};

/// Stores the record, which outlives the agent's process.
class RecordStore {
 public:
  virtual ~RecordStore() = default;
  [[nodiscard]] virtual std::optional<Record> load() const = 0;
  /// Returns 0 or the error number.
  [[nodiscard]] virtual int save(const Record& record) = 0;
};

/// The guest's own part of xenstore. Paths are relative, so that they stay right when a restore or
/// migration gives the guest another number.
class GuestStore {
 public:
  virtual ~GuestStore() = default;
  /// Nothing: there is no such node (`error` is 0), or it cannot be read (`error` is not 0).
  [[nodiscard]] virtual std::optional<std::string> read(const char* path, int& error) = 0;
  /// Returns 0 or the error number.
  [[nodiscard]] virtual int write(const char* path, std::string_view value) = 0;
  virtual void remove(const char* path) = 0;
};

/// Sends reports to dom0.
class Outbox {
 public:
  virtual ~Outbox() = default;
  virtual void publish(const AgentReport& report) = 0;
};

/// All surroundings of the core. They must outlive it.
struct Surroundings {
  Kernel& kernel;
  Ballast& ballast;
  RecordStore& records;
  Outbox& outbox;
  Process& process;
};

}  // namespace memctl::agent
