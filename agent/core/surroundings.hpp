// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is around the agent's core, beside the kernel: the core knows no system call.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/core/ballast.hpp"
#include "agent/core/kernel.hpp"
#include "agent/core/record.hpp"

namespace memctl::agent {

/// The process that the agent is.
class Process {
 public:
  virtual ~Process() = default;
  [[nodiscard]] virtual Time now() const = 0;
  /// One line, for an administrator.
  virtual void log(const std::string& line) = 0;
};

/// Where the record is kept; it outlives the agent's process.
class RecordStore {
 public:
  virtual ~RecordStore() = default;
  [[nodiscard]] virtual std::optional<Record> load() const = 0;
  /// 0, or the error number.
  [[nodiscard]] virtual int save(const Record& record) = 0;
};

/// The guest's own part of xenstore. Paths are relative, and so stay right when a restore or
/// migration gives the guest another number.
class GuestStore {
 public:
  virtual ~GuestStore() = default;
  /// Nothing: there is no such node (`error` 0), or it cannot be read.
  [[nodiscard]] virtual std::optional<std::string> read(const char* path, int& error) = 0;
  /// 0, or the error number.
  [[nodiscard]] virtual int write(const char* path, std::string_view value) = 0;
  virtual void remove(const char* path) = 0;
};

/// Takes reports on their way to dom0.
class Outbox {
 public:
  virtual ~Outbox() = default;
  virtual void publish(const AgentReport& report) = 0;
};

/// All of it. Must outlive the core.
struct Surroundings {
  Kernel& kernel;
  Ballast& ballast;
  RecordStore& records;
  Outbox& outbox;
  Process& process;
};

}  // namespace memctl::agent
