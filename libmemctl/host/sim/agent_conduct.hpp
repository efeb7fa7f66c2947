// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>

#include "agent/core/surroundings.hpp"
#include "base/facts.hpp"
#include "host/sim/guest_time.hpp"
#include "host/sim/store_model.hpp"

namespace memctl::host::sim {

/// How a guest's agent behaves.
enum class AgentConduct {
  normal,
  absent,    ///< Not installed: no hello.
  killed,    ///< Announced itself, and does not answer any more.
  garbage,   ///< Writes bytes that are no message.
  huge,      ///< Writes messages with impossible figures.
  lying,     ///< Claims at once that everything is there that was asked for.
  stale,     ///< Answers with sequence numbers that go back.
  flooding,  ///< Answers, and writes its report 5000 times a second for ever.
  deleting,  ///< Removes its own nodes instead of answering.
  fleeting,  ///< Removes its hello, and answers.
  /// Answers, and writes its report almost as often as xenstore's watch allows, until nothing has
  /// been asked for a minute. In every second report its added blocks are offline.
  chattering,
  /// Once a stage has begun, claims room for one more page: it grows and shrinks page by page.
  dripping,
  /// The same, and claims that its balloon is still on its way down to an earlier target.
  owing,
};

/// The guest's part of xenstore, as the agent's conduct uses it. Also with a hostile conduct, an
/// honest agent runs, which does not know of the conduct. Every request of dom0 reaches that agent
/// as "observe", so that it changes nothing. Its reports become what the conduct writes.
class ConductedStore final : public agent::GuestStore {
 public:
  /// A report stands in the store `report_latency` after it was made. `conduct` may change. All of
  /// `time`, `store` and `conduct` must outlive this.
  ConductedStore(GuestTime& time, StoreModel& store, const AgentConduct& conduct,
                 Duration report_latency, std::uint64_t seed);

  [[nodiscard]] std::optional<std::string> read(const char* path, int& error) override;
  [[nodiscard]] int write(const char* path, std::string_view value) override;
  void remove(const char* path) override;

  /// The guest is now `domain`, in which no agent has written anything yet.
  void move_to(DomainId domain);
  [[nodiscard]] std::string path_of(const char* path) const { return home_ + path; }

  /// For tests: changes each report before it is written.
  void distort(std::function<void(AgentReport&)> change) { distort_ = std::move(change); }
  [[nodiscard]] int reports_written() const { return reports_written_; }

 private:
  [[nodiscard]] bool is_hostile() const;
  /// Writes as the guest.
  int put(const char* path, std::string_view value);
  int put_report(std::string value);
  void put_late_reports();
  void forget_late_reports();
  int put_hostile(AgentReport report);
  /// Writes the report again and again, as the flooding and the chattering agent do.
  void repeat(AgentReport report);
  void drip(AgentReport& report) const;
  void note_request(const AgentRequest& request);
  /// Makes the report claim that everything asked for is there, and that there is endless room.
  void lie(AgentReport& report) const;
  [[nodiscard]] std::string garbage();

  GuestTime& time_;
  StoreModel& store_;
  const AgentConduct& conduct_;
  Duration report_latency_;
  std::mt19937_64 random_;
  GuestTimer again_;
  DomainId domain_{};
  std::string home_{};  ///< /local/domain/N/
  std::string hello_{};
  struct Late {
    TimePoint due;
    std::string report;
  };
  std::deque<Late> late_{};
  GuestTimer late_due_;
  AgentRequest request_{};  ///< What dom0 asked last.
  TimePoint asked_at_{};
  std::uint64_t sequence_{0};  ///< Of the last report that a chattering agent wrote.
  std::uint64_t begun_{0};     ///< The operation whose first stage has begun.
  Kib goal_{};                 ///< The size that this operation is on its way to.
  std::function<void(AgentReport&)> distort_{};
  int reports_written_{0};
};

}  // namespace memctl::host::sim
