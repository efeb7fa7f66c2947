// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <string>

#include "base/facts.hpp"
#include "host/sim/guest_time.hpp"
#include "host/sim/linux_guest.hpp"
#include "host/sim/store_model.hpp"

namespace memctl::host::sim {

/// How a guest's agent behaves.
enum class AgentConduct {
  normal,
  absent,    ///< Not installed: no hello.
  killed,    ///< Announced itself, and answers no more.
  garbage,   ///< Writes bytes that are no message.
  huge,      ///< Writes messages whose figures cannot be.
  lying,     ///< Claims that everything asked for is there, at once.
  stale,     ///< Answers with sequence numbers that go back.
  flooding,  ///< Answers, and writes its report 5000 times a second for ever.
  deleting,  ///< Removes its own nodes instead of answering.
  fleeting,  ///< Removes its hello, and answers.
};

struct AgentSpec {
  AgentConduct conduct{AgentConduct::normal};
  Duration latency{std::chrono::milliseconds{2}};      ///< From a request to its answer.
  Duration start{std::chrono::seconds{1}};             ///< From the kernel being up to the hello.
  Duration interval{std::chrono::milliseconds{1500}};  ///< Between reports during an operation.
  std::uint32_t protocol_min{1};
  std::uint32_t protocol_max{1};
  std::string version{"0.1.0-sim"};
};

/// memctl-agent as docs/protocol.md describes it, within a simulated guest.
class AgentModel {
 public:
  AgentModel(GuestTime& time, StoreModel& store, LinuxGuest& kernel, AgentSpec spec,
             std::uint64_t seed);

  /// Starts in `domain`, or again after a restart or a restore: announces itself.
  void start(DomainId domain);
  /// Stops answering; what it wrote stays.
  void kill() { spec_.conduct = AgentConduct::killed; }
  void set_conduct(AgentConduct conduct);
  [[nodiscard]] AgentSpec& spec() { return spec_; }

  [[nodiscard]] bool serving() const { return serving_; }
  [[nodiscard]] int reports_written() const { return reports_written_; }
  /// For tests: changes each report before it is written.
  std::function<void(AgentReport&)> distort{};

  /// Something changed in the guest's memory.
  void on_change();

 private:
  void read_request();
  void carry_out(const AgentRequest& request);
  void prepare(const AgentRequest& request);
  void online_blocks();
  void end_operation();
  void renew_lease(const AgentRequest& request);
  void report(AgentPhase phase, std::uint64_t operation);
  void report_regularly();
  void lie(const AgentRequest& request);
  void misbehave(const AgentRequest& request);
  void write(const std::string& node, const std::string& value);
  [[nodiscard]] AgentReport observe(AgentPhase phase, std::uint64_t operation);
  [[nodiscard]] AgentPhase phase() const;
  [[nodiscard]] std::string policy() const;
  [[nodiscard]] std::string garbage();
  void take_ballast();
  void lend_ballast();

  GuestTime& time_;
  StoreModel& store_;
  LinuxGuest& kernel_;
  AgentSpec spec_;
  std::mt19937_64 random_;
  Kib ballast_;  ///< Locked for the guest's worst moment; `kernel_free` of a guest is beside it.
  std::string home_{};  ///< /local/domain/N
  DomainId domain_{};

  std::uint64_t operation_{0};  ///< The one that is served, or was last.
  std::uint64_t served_request_{0};
  std::uint64_t last_operation_{0};  ///< Of the last request, which may be another one's.
  std::uint64_t last_request_{0};
  std::uint64_t sequence_{0};
  std::int64_t blocks_before_{0};
  std::string policy_before_{};
  bool serving_{false};
  bool movable_{false};
  std::string error_{};
  int reports_written_{0};
  TimePoint reported_at_{};
  int starts_{0};

  StoreModel::Registration request_watch_{};
  GuestTimer answer_;
  GuestTimer regular_;
  GuestTimer change_;
  GuestTimer lease_;
};

}  // namespace memctl::host::sim
