// SPDX-License-Identifier: LGPL-2.1-or-later
//
// If a call of the host's port fails, with or without its effect, the operation ends with that
// cause. It leaves a clean state, or a record that any process can recover although the operation's
// process lives on.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "course.hpp"

namespace memctl::faults {
namespace {

using test::Fault;
using test::FaultPlan;

/// If nothing tells the agent that the operation is over, the agent knows it after so long.
constexpr std::chrono::seconds lease{61};

/// The error as Xen and libxl return it.
Error injected(Cause cause) {
  return {.cause = cause, .message = "injected", .raw = -3, .log = {"what libxl said"}};
}

/// The causes with which a call can fail while its domain lives.
std::vector<Cause> causes_of(const std::string& call) {
  const bool of_store = call == "read" || call == "write" || call == "remove" || call == "watch" ||
                        call.starts_with("transact");
  std::vector<Cause> causes{of_store ? Cause::store_error : Cause::hypervisor_error,
                            Cause::not_permitted};
  // The domain still stands, and the operation sees that when it looks at it.
  if (!of_store && call != "domain_memory") causes.push_back(Cause::no_such_domain);
  if (call == "set_limit" || call == "set_size" || call == "set_frozen_pool") {
    causes.push_back(Cause::xen_unsupported);
  }
  if (call == "set_frozen_pool") causes.push_back(Cause::stalled);
  if (call == "claim") causes.push_back(Cause::host_memory);
  if (call == "set_pool") causes.push_back(Cause::paging_pool);
  return causes;
}

class InjectedFaults : public Course {
 protected:
  /// Checks the state after call `nth` failed with `fault`.
  void check(Patient& patient, const Result<Report>& ended, const Error& fault, int nth) {
    // The operation looks whether a commit took effect if its answer is lost. Whether the agent
    // learns of the end does not matter if it has nothing to do any more.
    const bool harmless = nth_of(calls, nth).starts_with("transact");
    if (ended) {
      EXPECT_TRUE(harmless);
      EXPECT_EQ(patient.state().tree, after.tree);
      expect_sound(patient, lease);
      EXPECT_EQ(patient.state(), after);
      return;
    }
    const Error& error = ended.error();
    if (error.cause != Cause::deadline) {
      EXPECT_EQ(error.cause, fault.cause) << error.message;
      EXPECT_EQ(error.raw, fault.raw);
      EXPECT_EQ(error.log, fault.log);
    } else {
      EXPECT_TRUE(is_late(nth) || (runs_out_of_time() && harmless)) << error.message;
    }
    ASSERT_TRUE(error.report);
    const bool left = patient.has_record();
    EXPECT_TRUE(!left || error.report->outcome == Outcome::failed) << name(error.report->outcome);
    const auto recovered = patient.recover({});
    expect_sound(patient, lease);
    if (error.report->outcome == Outcome::failed) {
      ++failed;
      expect_recovered(patient, recovered, /*again=*/true);
    } else {
      expect_as_reported(patient, *error.report);
    }
    ASSERT_TRUE(*recovered.result) << recovered.result->error().message;
    EXPECT_EQ(recovered.result->value().report.has_value(), left);
  }

  int points{0};
  int failed{0};
};

INSTANTIATE_TEST_SUITE_P(Each, InjectedFaults, testing::ValuesIn(treatments()),
                         [](const auto& treatment) { return treatment.param.name; });

TEST_P(InjectedFaults, EndAnOperationWithTheirCauseAndACleanState) {
  for (const Fault::Kind kind : {Fault::Kind::fail_before, Fault::Kind::fail_after}) {
    for (int nth = 1; nth <= call_count(); ++nth) {
      const std::string& call = nth_of(calls, nth);
      for (const Cause cause : causes_of(call)) {
        SCOPED_TRACE(call + ", call " + std::to_string(nth) + ", fails " +
                     (kind == Fault::Kind::fail_before ? "before" : "after") + " its effect with " +
                     std::string{name(cause)});
        Patient patient{GetParam()};
        const auto ended =
            patient.treat(FaultPlan{{.kind = kind, .nth = nth, .error = injected(cause)}});
        ASSERT_TRUE(ended.report.has_value());
        check(patient, *ended.report, injected(cause), nth);
        ++points;
        if (HasFailure()) return;
      }
    }
  }
  std::cout << GetParam().name << ": " << points << " faults, " << failed << " left to recover\n";
}

/// If std::bad_alloc is thrown at any point, any process can recover the record that is left,
/// although the operation's process lives.
TEST_P(InjectedFaults, ThatAreThrownStrandNoDomain) {
  int recovered = 0;
  for (int nth = 1; nth <= call_count(); ++nth) {
    SCOPED_TRACE("thrown at call " + std::to_string(nth) + ", " + nth_of(calls, nth));
    Patient patient{GetParam()};
    const auto ended = patient.treat(
        FaultPlan{{.kind = Fault::Kind::meanwhile, .nth = nth, .act = [](host::sim::World&) {
                     throw std::bad_alloc{};
                   }}});
    EXPECT_TRUE(ended.threw);
    const auto after_it = patient.recover({});
    ASSERT_TRUE(*after_it.result) << after_it.result->error().message;
    recovered += after_it.result->value().report.has_value() ? 1 : 0;
    expect_sound(patient, lease);
    expect_recovered(patient, after_it);
    if (HasFailure()) return;
  }
  EXPECT_GT(recovered, 0);
}

TEST_P(InjectedFaults, ThatAreThrownInARecoveryLeaveTheRestToTheNextRecovery) {
  const FaultPlan killed{{.kind = Fault::Kind::kill_after, .call = "set_size"}};
  Patient undisturbed{GetParam()};
  ASSERT_TRUE(undisturbed.treat(killed).killed);
  const auto undisturbed_recovery = undisturbed.recover({}).calls;
  for (int nth = 1; nth <= static_cast<int>(undisturbed_recovery.size()); ++nth) {
    SCOPED_TRACE("thrown at call " + std::to_string(nth) + ", " +
                 nth_of(undisturbed_recovery, nth));
    Patient patient{GetParam()};
    ASSERT_TRUE(patient.treat(killed).killed);
    EXPECT_TRUE(patient
                    .recover(FaultPlan{{.kind = Fault::Kind::meanwhile,
                                        .nth = nth,
                                        .act = [](host::sim::World&) { throw std::bad_alloc{}; }}})
                    .threw);
    const auto after_it = patient.recover({});
    expect_sound(patient, lease);
    expect_recovered(patient, after_it, /*again=*/true);
    if (HasFailure()) return;
  }
}

/// Another writer changes what a transaction has read, before the transaction commits.
TEST_P(InjectedFaults, ThatAreConflictsAreTriedAgainAndThenReported) {
  std::vector<int> transactions;
  for (int nth = 1; nth <= call_count(); ++nth) {
    if (nth_of(calls, nth) == "transact") transactions.push_back(nth);
  }
  ASSERT_GT(transactions.size(), 1);
  for (int nth = 1; nth <= static_cast<int>(transactions.size()); ++nth) {
    for (const int conflicts : {1, 15, 16}) {
      SCOPED_TRACE("transaction " + std::to_string(nth) + " meets " + std::to_string(conflicts));
      Patient patient{GetParam()};
      auto& store = patient.world().store();
      const std::string id = std::to_string(number(patient.id()));
      int attempt = 0;
      store.before_commit = [&] {
        ++attempt;
        if (attempt < nth || attempt >= nth + conflicts) return;
        for (const std::string& path : {"/local/domain/" + id, "/libxl/" + id + "/memctl"}) {
          const auto value = store.read(host::sim::dom0, path).value();
          if (!value) continue;
          EXPECT_TRUE(store.write(host::sim::dom0, path, *value));
        }
      };
      const auto ended = *patient.treat({}).report;
      store.before_commit = nullptr;
      EXPECT_GE(attempt, nth + conflicts - 1);
      if (conflicts == 16) {
        check(patient, ended, {.cause = Cause::store_error, .raw = EAGAIN},
              nth_of(transactions, nth));
        ++points;
      } else {
        EXPECT_TRUE(ended || runs_out_of_time()) << ended.error().message;
        expect_sound(patient, std::chrono::seconds{10});
        EXPECT_EQ(patient.state(), after);
      }
      if (HasFailure()) return;
    }
  }
  std::cout << GetParam().name << ": " << points << " transactions given up\n";
}

TEST_P(InjectedFaults, EndARecoveryWithTheirCauseAndTheNextOneRestores) {
  const auto struck = [] {
    auto patient = std::make_unique<Patient>(GetParam());
    static_cast<void>(
        patient->treat(FaultPlan{{.kind = Fault::Kind::kill_after, .call = "set_size"}}));
    patient->world().advance(std::chrono::milliseconds{100});
    return patient;
  };
  const auto calls_of_recovery = struck()->recover({}).calls;
  for (const Fault::Kind kind : {Fault::Kind::fail_before, Fault::Kind::fail_after}) {
    for (int nth = 1; nth <= static_cast<int>(calls_of_recovery.size()); ++nth) {
      const std::string& call = nth_of(calls_of_recovery, nth);
      const Cause cause = causes_of(call).front();
      SCOPED_TRACE(call + ", call " + std::to_string(nth) + " of a recovery, fails " +
                   (kind == Fault::Kind::fail_before ? "before" : "after") + " its effect");
      const auto patient = struck();
      const auto first =
          patient->recover(FaultPlan{{.kind = kind, .nth = nth, .error = injected(cause)}});
      const auto& result = *first.result;
      const bool in_part = result && result.value().report && result.value().report->cause;
      EXPECT_TRUE(result ? !in_part || starves() || result.value().report->cause == cause
                         : result.error().cause == cause);
      const auto second = patient->recover({});
      ASSERT_TRUE(*second.result) << second.result->error().message;
      expect_sound(*patient, lease);
      // If the guest gave no more back because a call failed, the report tells its size.
      if (in_part) {
        EXPECT_FALSE(second.result->value().report);
        expect_as_reported(*patient, *result.value().report);
      } else {
        expect_recovered(*patient, second, /*again=*/true);
      }
      if (HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace memctl::faults
