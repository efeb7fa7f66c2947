// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/port.hpp"
#include "host/sim/world.hpp"

namespace memctl::test {

/// Thrown where a `FaultyPort` kills the process that uses it: what SIGKILL is to a real one.
/// Derived from nothing, so that no handler of errors takes it for one.
struct ProcessKilled {};

/// Something that goes wrong once.
struct Fault {
  enum class Kind {
    fail_before,  ///< The call returns the error and does nothing.
    fail_after,   ///< The call does its work, and returns the error all the same.
    kill_before,  ///< The process dies before the call,
    kill_after,   ///< or right after it.
    meanwhile,    ///< Somebody else does `act` right before the call.
  };
  Kind kind{Kind::fail_before};
  /// Which call: "set_size", "write", "transact", "transact.write"…; empty: any.
  std::string call{};
  int nth{1};  ///< Of these calls, from 1 on.
  Error error{.cause = Cause::hypervisor_error, .message = "injected", .raw = -3};
  std::function<void(host::sim::World&)> act{};
};

/// How a port's watches tell of a change. The first `take` says true in any case.
enum class WatchConduct {
  prompt,
  twice,  ///< Once more than there were changes.
  late,   ///< 300 ms after it.
  never,
};

/// Counts the calls of a port, and lets one go wrong.
class FaultPlan {
 public:
  FaultPlan() = default;
  explicit FaultPlan(Fault fault) : fault_{std::move(fault)} {}
  /// Of the watches on paths that contain `on`.
  explicit FaultPlan(WatchConduct watches, std::string on = {})
      : watches_{watches}, watches_on_{std::move(on)} {}

  /// Every call so far, by name, in order.
  [[nodiscard]] const std::vector<std::string>& calls() const { return calls_; }
  /// When each of them was made.
  [[nodiscard]] const std::vector<host::TimePoint>& times() const { return times_; }
  [[nodiscard]] bool happened() const { return happened_; }
  [[nodiscard]] bool killed() const { return killed_; }

 private:
  friend class FaultyCalls;
  std::optional<Fault> fault_{};
  WatchConduct watches_{WatchConduct::prompt};
  std::string watches_on_{};
  std::vector<std::string> calls_{};
  std::vector<host::TimePoint> times_{};
  int matching_{0};
  bool happened_{false};
  bool killed_{false};
};

/// A port over another one, whose calls go wrong as planned. Once its process was killed, nothing
/// that is called through it has an effect any more, as destructors may try. All must outlive it.
class FaultyPort final : public host::Port {
 public:
  FaultyPort(host::Port& port, host::sim::World& world, FaultPlan& plan);
  ~FaultyPort() override;

  host::Hypervisor& hypervisor() override;
  host::Store& store() override;
  host::Clock& clock() override;
  std::string self() override;
  bool is_alive(const std::string& owner) override;

 private:
  struct Parts;
  host::Port& port_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace memctl::test
