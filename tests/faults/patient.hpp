// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <iosfwd>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "memctl/recovery.hpp"
#include "memctl/size.hpp"
#include "support/faults.hpp"
#include "support/simulation.hpp"

namespace memctl::faults {

/// One request, and the guest to which it is made.
struct Treatment {
  std::string name{};
  DomainType type{DomainType::pv};
  std::vector<Kib> before{};  ///< The sizes to which the guest of 160 MiB is resized first.
  SizeRequest size{160_MiB};
  ResizeOptions options{};
  Kib kernel_free{83_MiB};  ///< What it has free of them, as it was measured, or less.
  bool freeze_pool{false};  ///< pvh: the stored configuration fixes the pool.
};

std::ostream& operator<<(std::ostream& out, const Treatment& treatment);

/// Everything that an operation must leave unchanged, or as its report says.
struct State {
  Kib max_pages{};
  std::optional<Kib> limit{};
  std::optional<Kib> target{};
  Kib claimed{};
  std::string online_policy{};
  /// xenstore's whole tree, with owners and permissions, but for the agent's mailbox, what libxl
  /// keeps of the target under /vm, and the target and static-max themselves.
  std::map<std::string, std::string> tree{};
  friend bool operator==(const State&, const State&) = default;
};
std::ostream& operator<<(std::ostream& out, const State& state);

/// The nth of the calls that a process made, as a fault plan counts them: from 1 on.
template <class T>
[[nodiscard]] const T& nth_of(const std::vector<T>& calls, int nth) {
  return calls.at(static_cast<std::size_t>(nth - 1));
}

/// A host with one guest, on which processes die.
class Patient {
 public:
  explicit Patient(const Treatment& treatment);

  /// The result of a process that asked for the treatment.
  struct Ended {
    bool killed{};
    bool threw{};                          ///< std::bad_alloc, which `meanwhile` may throw
    std::vector<std::string> calls{};      ///< The calls of the host's port, in their order,
    std::vector<host::TimePoint> times{};  ///< and their times.
    std::optional<Result<Report>> report{};
  };
  /// Asks in another process, which lives on unless it is killed.
  Ended treat(test::FaultPlan faults);

  struct Recovered {
    bool killed{};
    bool threw{};
    std::vector<std::string> calls{};
    std::vector<host::TimePoint> times{};
    std::optional<Result<Recovery>> result{};
  };
  /// Recovers in another process, likewise.
  Recovered recover(test::FaultPlan faults);

  [[nodiscard]] State state();
  [[nodiscard]] bool has_record();
  [[nodiscard]] Kib allocated() { return world().allocated(id_); }
  [[nodiscard]] Kib size() { return *world().target(id_); }
  [[nodiscard]] Kib pool() { return world().pool(id_); }
  /// What the stored configuration fixes.
  [[nodiscard]] std::optional<Kib> frozen_pool();
  /// The pool that the domain gets if it is restored now and its configuration fixes none.
  [[nodiscard]] Kib pool_of_its_limit();
  [[nodiscard]] host::sim::Guest& guest() { return world().guest(id_); }
  [[nodiscard]] bool agent_answers();
  [[nodiscard]] host::sim::World& world() { return simulation_.world; }
  [[nodiscard]] DomainId id() const { return id_; }

 private:
  /// Runs `make(port, ended)` in another process.
  template <class Ended, class Make>
  Ended in_a_process(test::FaultPlan& faults, Make make);

  Treatment treatment_;
  test::Simulation simulation_{};
  std::vector<std::unique_ptr<host::sim::SimPort>> living_{};
  DomainId id_;
  DomainIdentity identity_;
};

}  // namespace memctl::faults
