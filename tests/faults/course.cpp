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
      // Those that run out of time undo it themselves, or keep what they have.
      ResizeOptions cut_short = whole;
      cut_short.timeout = 400ms;
      all.push_back({"grow_in_vain" + suffix, type, {}, 2_GiB, cut_short});
      cut_short.timeout = 100ms;
      all.push_back({"shrink_in_vain" + suffix, type, {2_GiB}, 400_MiB, cut_short});
    }
  }
  return all;
}

Course::Course() {
  Patient undisturbed{GetParam()};
  before = undisturbed.state();
  allocated = undisturbed.allocated();
  const auto ended = undisturbed.treat({});
  calls = ended.calls;
  times = ended.times;
  undisturbed.world().advance(10s);
  after = undisturbed.state();
}

State Course::fitting(Kib size) const {
  State state = before;
  state.target = size;
  state.static_max = std::max(*before.static_max, size);
  state.max_allocation = std::max(before.max_allocation, size + plan::max_pages_slack);
  return state;
}

void Course::expect_sound(Patient& patient, host::Duration later) {
  EXPECT_FALSE(patient.has_record());
  patient.world().advance(later);
  EXPECT_TRUE(patient.guest().alive());
  EXPECT_TRUE(patient.agent_answers());
  EXPECT_TRUE(patient.world().xen().consistent());
  EXPECT_LE(patient.allocated(), patient.state().max_allocation);
}

void Course::expect_restored(Patient& patient) const {
  EXPECT_EQ(patient.state(), before);
  EXPECT_LE(patient.allocated(), allocated + plan::max_pages_slack);
  EXPECT_GE(patient.allocated(), allocated);
}

}  // namespace memctl::faults
