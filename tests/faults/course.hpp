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
  [[nodiscard]] int call_count() const { return static_cast<int>(calls.size()); }

  /// What is left of an operation that is to keep the size that it reached.
  [[nodiscard]] State fitting(Kib size) const;
  /// Whatever happened: no record, and, so much later that what was left under way would be seen, a
  /// guest that lives, with an agent that answers.
  static void expect_sound(Patient& patient, host::Duration later);
  /// The earlier state, to the page.
  void expect_restored(Patient& patient) const;

  State before{};
  State after{};
  Kib allocated{};                       ///< Before.
  std::vector<std::string> calls{};      ///< Of the host's port,
  std::vector<host::TimePoint> times{};  ///< and when they were made.
};

}  // namespace memctl::faults
