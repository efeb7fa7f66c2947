// SPDX-License-Identifier: LGPL-2.1-or-later
//
// If a process dies at any call of the host's port, before or after the call's effect, the next
// process restores everything that it left.
#include <gtest/gtest.h>

#include <chrono>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "course.hpp"

namespace memctl::faults {
namespace {

using test::Fault;
using test::FaultPlan;
using namespace std::chrono_literals;

constexpr Fault::Kind kill_kinds[] = {Fault::Kind::kill_before, Fault::Kind::kill_after};

class CrashPoints : public Course {
 protected:
  /// Checks the state after a recovery.
  void check(Patient& patient, const Patient::Recovered& recovered, bool again) {
    expect_sound(patient, 10s);
    expect_recovered(patient, recovered, again);
    if (HasFatalFailure()) return;
    const auto& report = recovered.result->value().report;
    if (!report) {
      const State now = patient.state();
      if (again && keeps()) {
        EXPECT_EQ(now, fitting(*now.target));
      }
      return;
    }
    const bool whole = report->outcome == Outcome::restored;
    EXPECT_TRUE(whole || keeps() || starves()) << report->message;
    ++(whole ? restored : kept);
  }

  int points{0};
  int restored{0};
  int kept{0};
};

INSTANTIATE_TEST_SUITE_P(Each, CrashPoints, testing::ValuesIn(treatments()),
                         [](const auto& treatment) { return treatment.param.name; });

TEST_P(CrashPoints, LeaveWhatTheNextProcessRestores) {
  for (const host::Duration pause : {host::Duration{0s}, host::Duration{20s}}) {
    for (const Fault::Kind kind : kill_kinds) {
      for (int nth = 1; nth <= call_count(); ++nth) {
        Patient patient{GetParam()};
        const auto died = patient.treat(FaultPlan{{.kind = kind, .nth = nth}});
        SCOPED_TRACE("killed " +
                     std::string{kind == Fault::Kind::kill_before ? "before" : "after"} + " call " +
                     std::to_string(nth) + ", " + died.calls.back() + ", and " +
                     std::to_string(pause / 1s) + " s");
        ASSERT_TRUE(died.killed);
        patient.world().advance(pause);
        const bool left = patient.has_record();
        const auto recovered = patient.recover({});
        check(patient, recovered, /*again=*/false);
        EXPECT_EQ(recovered.result->value().report.has_value(), left);
        ++points;
        if (HasFailure()) return;
      }
    }
  }
  std::cout << GetParam().name << ": " << call_count() << " calls, " << points << " crash points, "
            << restored << " restored, " << kept << " kept\n";
}

/// The calls whose crashes leave different states: the first and the last call of each kind that
/// changes anything, and some while the guest is on its way.
std::set<int> telling_points(const std::vector<std::string>& calls) {
  std::map<std::string, std::pair<int, int>> changes;
  for (int nth = 1; nth <= static_cast<int>(calls.size()); ++nth) {
    const std::string& call = nth_of(calls, nth);
    if (call == "write" || call == "transact" || call == "claim" || call == "release_claim" ||
        call.starts_with("set_")) {
      changes.try_emplace(call, nth, nth).first->second.second = nth;
    }
  }
  std::set<int> points;
  for (const auto& [call, nth] : changes) points.insert({nth.first, nth.second});
  for (const std::size_t part : {3U, 4U, 5U}) {
    points.insert(static_cast<int>(calls.size() * part / 6));
  }
  return points;
}

TEST_P(CrashPoints, InARecoveryLeaveWhatTheNextRecoveryRestores) {
  // A treatment that runs out of time leaves the same states.
  if (runs_out_of_time()) return;
  for (const int first : telling_points(calls)) {
    const auto struck = [&] {
      auto patient = std::make_unique<Patient>(GetParam());
      static_cast<void>(patient->treat(FaultPlan{{.kind = Fault::Kind::kill_after, .nth = first}}));
      patient->world().advance(100ms);
      return patient;
    };
    const int count = static_cast<int>(struck()->recover({}).calls.size());
    for (const Fault::Kind kind : kill_kinds) {
      for (int nth = 1; nth <= count; ++nth) {
        SCOPED_TRACE("killed after call " + std::to_string(first) + ", and its recovery at call " +
                     std::to_string(nth));
        const auto patient = struck();
        ASSERT_TRUE(patient->recover(FaultPlan{{.kind = kind, .nth = nth}}).killed);
        check(*patient, patient->recover({}), /*again=*/true);
        ++points;
        if (HasFailure()) return;
      }
    }
  }
  std::cout << GetParam().name << ": " << points << " crash points of a recovery, " << restored
            << " restored, " << kept << " kept\n";
}

}  // namespace
}  // namespace memctl::faults
