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

/// A `FaultyPort` throws this to kill its process, as SIGKILL kills a real process. It has no base
/// class, so that no handler of errors catches it.
struct ProcessKilled {};

/// Something that goes wrong once.
struct Fault {
  enum class Kind {
    fail_before,  ///< The call returns the error and does nothing.
    fail_after,   ///< The call does its work, and returns the error all the same.
    kill_before,  ///< The process dies before the call.
    kill_after,   ///< The process dies right after the call.
    meanwhile,    ///< Something else does `act` right before the call.
  };
  Kind kind{Kind::fail_before};
  /// Which call: "set_size", "write", "transact", "transact.write"…; empty: any.
  std::string call{};
  int nth{1};  ///< Which of these calls, from 1 on.
  Error error{.cause = Cause::hypervisor_error, .message = "injected", .raw = -3};
  std::function<void(host::sim::World&)> act{};
};

/// How a port's watches tell of a change. The first `take` says true in any case.
enum class WatchConduct {
  prompt,
  twice,  ///< Tells each change twice.
  late,   ///< Tells a change 300 ms after it.
  never,
};

/// Counts the calls of a port, and makes one call go wrong.
class FaultPlan {
 public:
  FaultPlan() = default;
  explicit FaultPlan(Fault fault) : fault_{std::move(fault)} {}
  /// Watches on paths that contain `on` behave like this.
  explicit FaultPlan(WatchConduct watches, std::string on = {})
      : watches_{watches}, watches_on_{std::move(on)} {}

  /// Each call keeps the host's thread busy for so long. In the simulator calls take no time, so
  /// whoever makes many calls would hold up nobody.
  void each_call_takes(host::Duration time) { time_of_each_call_ = time; }

  /// Every call so far, by name, in order.
  [[nodiscard]] const std::vector<std::string>& calls() const { return calls_; }
  /// The time of each call.
  [[nodiscard]] const std::vector<host::TimePoint>& times() const { return times_; }
  /// How often a watch told of a change, and how often a wait ended.
  [[nodiscard]] int events() const { return events_; }
  [[nodiscard]] int wakeups() const { return wakeups_; }
  [[nodiscard]] bool happened() const { return happened_; }
  [[nodiscard]] bool killed() const { return killed_; }

 private:
  friend class FaultyCalls;
  std::optional<Fault> fault_{};
  WatchConduct watches_{WatchConduct::prompt};
  std::string watches_on_{};
  host::Duration time_of_each_call_{};
  std::vector<std::string> calls_{};
  std::vector<host::TimePoint> times_{};
  int events_{0};
  int wakeups_{0};
  int matching_{0};
  bool happened_{false};
  bool killed_{false};
};

/// A port over another port, whose calls go wrong as planned. After its process was killed, calls
/// through it have no effect; destructors may still make some. Its arguments must outlive it.
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
