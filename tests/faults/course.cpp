// SPDX-License-Identifier: LGPL-2.1-or-later
#include "course.hpp"

#include <algorithm>
#include <chrono>

#include "plan/input.hpp"

namespace memctl::faults {

using namespace std::chrono_literals;

std::vector<Treatment> treatments() {
  std::vector<Treatment> all;
  for (const DomainType type : {DomainType::pv, DomainType::pvh}) {
    for (const OnFailure on_failure : {OnFailure::restore, OnFailure::keep}) {
      const std::string suffix = std::string{"_"} +
                                 (on_failure == OnFailure::keep ? "keep" : "restore") + "_" +
                                 std::string{name(type)};
      const ResizeOptions whole{.on_failure = on_failure};
      all.push_back({"grow" + suffix, type, {}, 1_GiB, whole});
      all.push_back({"shrink" + suffix, type, {1_GiB}, 400_MiB, whole});
      // In stages, because the guest's memory can describe only a few blocks at a time.
      all.push_back({"grow_starving" + suffix, type, {}, 1_GiB, whole, 5_MiB});
      // Treatments that run out of time restore the guest themselves, or keep the size reached.
      ResizeOptions cut_short = whole;
      cut_short.timeout = 400ms;
      all.push_back({"grow_in_vain" + suffix, type, {}, 2_GiB, cut_short});
      cut_short.timeout = 100ms;
      all.push_back({"shrink_in_vain" + suffix, type, {2_GiB}, 400_MiB, cut_short});
    }
  }
  // A frozen pool is stored anew before the limit rises.
  for (const OnFailure on_failure : {OnFailure::restore, OnFailure::keep}) {
    const std::string suffix = on_failure == OnFailure::keep ? "_keep_pvh" : "_restore_pvh";
    Treatment frozen{
        "grow_frozen" + suffix, DomainType::pvh, {}, 1_GiB, {.on_failure = on_failure}};
    frozen.freeze_pool = true;
    all.push_back(frozen);
    frozen.name = "grow_frozen_in_vain" + suffix;
    frozen.size = 2_GiB;
    frozen.options.timeout = 400ms;
    all.push_back(frozen);
  }
  return all;
}

Course::Course() {
  Patient undisturbed{GetParam()};
  before = undisturbed.state();
  allocated = undisturbed.allocated();
  pool = undisturbed.pool();
  frozen_pool = undisturbed.frozen_pool();
  const auto ended = undisturbed.treat({});
  calls = ended.calls;
  times = ended.times;
  undisturbed.world().advance(10s);
  after = undisturbed.state();
}

bool Course::is_late(int nth) const {
  const auto& timeout = GetParam().options.timeout;
  return timeout && nth_of(times, nth) - times.front() >= *timeout;
}

bool Course::calls_from(int nth, const std::string& call) const {
  return std::find(calls.begin() + (nth - 1), calls.end(), call) != calls.end();
}

State Course::fitting(Kib size) const {
  State state = before;
  state.target = size;
  state.limit = std::max(*before.limit, size);
  state.max_pages = std::max(before.max_pages, size + plan::max_pages_slack);
  return state;
}

void Course::expect_sound(Patient& patient, host::Duration later) const {
  EXPECT_FALSE(patient.has_record());
  EXPECT_GE(patient.pool(), pool);
  if (frozen_pool) {
    // Not if another tool raised the limit by itself.
    if (patient.world().limit(patient.id()) <= std::max(*before.limit, GetParam().size.amount)) {
      EXPECT_GE(patient.frozen_pool(), patient.pool_of_its_limit()) << "it could not be restored";
    }
    EXPECT_LE(patient.frozen_pool(), patient.pool()) << "it comes back only with the pool";
  } else {
    EXPECT_FALSE(patient.frozen_pool());
  }
  patient.world().advance(later);
  EXPECT_TRUE(patient.guest().alive());
  EXPECT_EQ(patient.guest().kernel().memory().oom_kills(), 0);
  EXPECT_TRUE(patient.agent_answers());
  EXPECT_TRUE(patient.world().xen().consistent());
  EXPECT_LE(patient.allocated(), patient.state().max_pages);
}

void Course::expect_restored(Patient& patient) const {
  EXPECT_EQ(patient.state(), before);
  EXPECT_LE(patient.allocated(), allocated + plan::max_pages_slack);
  EXPECT_GE(patient.allocated(), allocated);
}

void Course::expect_as_reported(Patient& patient, const Report& report) const {
  if (report.pool) {
    EXPECT_EQ(*report.pool, patient.pool());
  }
  switch (report.outcome) {
    case Outcome::refused:
      EXPECT_EQ(patient.pool(), pool);
      EXPECT_EQ(patient.frozen_pool(), frozen_pool);
      [[fallthrough]];
    case Outcome::restored:
      if (report.from != Kib{}) {  // otherwise the operation never learned what the domain has
        EXPECT_EQ(report.reached, *before.target);
      }
      return expect_restored(patient);
    case Outcome::kept:
      EXPECT_TRUE(keeps() || report.cause || report.reached == *after.target)
          << "it says why it is not as before, nor had succeeded but for saying so";
      EXPECT_EQ(patient.state().limit, report.limit);
      EXPECT_EQ(patient.state(), fitting(report.reached));
      return;
    default:
      FAIL() << name(report.outcome);
  }
}

void Course::expect_recovered(Patient& patient, const Patient::Recovered& recovered,
                              bool again) const {
  ASSERT_TRUE(recovered.result.has_value());
  ASSERT_TRUE(*recovered.result) << recovered.result->error().message;
  EXPECT_EQ(recovered.result->value().unknown_claim, Kib{});
  const State now = patient.state();
  if (const auto& report = recovered.result->value().report) {
    expect_as_reported(patient, *report);
  } else {  // before the record was made, or after it was removed
    EXPECT_TRUE(now == before || now == after ||
                (again && (keeps() || starves()) && now == fitting(*now.target)))
        << now;
  }
}

}  // namespace memctl::faults
