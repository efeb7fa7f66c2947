// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "patient.hpp"

namespace memctl::faults {

/// Growing and shrinking, with and without enough time, on each type of guest, with either way to
/// fail.
[[nodiscard]] std::vector<Treatment> treatments();

/// A treatment as it goes where nothing interferes, to compare with.
class Course : public testing::TestWithParam<Treatment> {
 protected:
  Course();

  [[nodiscard]] static bool keeps() { return GetParam().options.on_failure == OnFailure::keep; }
  [[nodiscard]] static bool runs_out_of_time() { return GetParam().options.timeout.has_value(); }
  /// Whether the guest cannot give all of its new memory back: describing it took what it had.
  [[nodiscard]] static bool starves() { return GetParam().kernel_free < 16_MiB; }
  [[nodiscard]] int call_count() const { return static_cast<int>(calls.size()); }

  /// Whether the time was up when the operation made this call.
  [[nodiscard]] bool is_late(int nth) const;
  /// Whether the operation makes this call, from its call `nth` on.
  [[nodiscard]] bool calls_from(int nth, const std::string& call) const;

  /// What is left of an operation that is to keep the size that it reached.
  [[nodiscard]] State fitting(Kib size) const;
  /// Whatever happened: no record, a pool that was not lowered under a guest that may have grown,
  /// and, so much later that what was left under way would be seen, a guest that lives, with all of
  /// its processes and an agent that answers.
  void expect_sound(Patient& patient, host::Duration later) const;
  /// The earlier state, to the page.
  void expect_restored(Patient& patient) const;
  /// What the report of an operation or of a recovery says: the earlier state, or the one that it
  /// was to keep or could not help keeping.
  void expect_as_reported(Patient& patient, const Report& report) const;
  /// What a recovery says. `again`: an earlier one may have done some or all of it.
  void expect_recovered(Patient& patient, const Patient::Recovered& recovered,
                        bool again = false) const;

  State before{};
  State after{};
  Kib allocated{};                       ///< Before.
  Kib pool{};                            ///< Before.
  std::vector<std::string> calls{};      ///< Of the host's port,
  std::vector<host::TimePoint> times{};  ///< and when they were made.
};

}  // namespace memctl::faults
