// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "patient.hpp"

namespace memctl::faults {

/// Growing and shrinking each type of guest, with and without enough time, with `restore` and with
/// `keep`.
[[nodiscard]] std::vector<Treatment> treatments();

/// A treatment without any interference, to compare with.
class Course : public testing::TestWithParam<Treatment> {
 protected:
  Course();

  [[nodiscard]] static bool keeps() { return GetParam().options.on_failure == OnFailure::keep; }
  [[nodiscard]] static bool runs_out_of_time() { return GetParam().options.timeout.has_value(); }
  /// Whether the guest cannot give all of its new memory back, because describing the memory took
  /// what the guest had free.
  [[nodiscard]] static bool starves() { return GetParam().kernel_free < 16_MiB; }
  [[nodiscard]] int call_count() const { return static_cast<int>(calls.size()); }

  /// Whether the time was up when the operation made this call.
  [[nodiscard]] bool is_late(int nth) const;
  /// Whether the operation makes the call `call` at its call `nth` or later.
  [[nodiscard]] bool calls_from(int nth, const std::string& call) const;

  /// The state after an operation that was asked to keep the size reached.
  [[nodiscard]] State fitting(Kib size) const;
  /// Checks what holds after everything: there is no record, the pool was not lowered under a
  /// guest that may have grown, and a frozen pool is enough for the limit. Then waits for `later`,
  /// in which anything still under way would show, and checks that the guest lives, with all of its
  /// processes and an agent that answers.
  void expect_sound(Patient& patient, host::Duration later) const;
  /// The earlier state, to the page.
  void expect_restored(Patient& patient) const;
  /// The state is what the report of an operation or a recovery says: the earlier state, or the one
  /// that was kept, as asked or for the guest's safety.
  void expect_as_reported(Patient& patient, const Report& report) const;
  /// The state is what the recovery says. `again`: an earlier recovery may have done a part of it.
  void expect_recovered(Patient& patient, const Patient::Recovered& recovered,
                        bool again = false) const;

  State before{};
  State after{};
  Kib allocated{};                       ///< Before.
  Kib pool{};                            ///< Before.
  std::optional<Kib> frozen_pool{};      ///< Before.
  std::vector<std::string> calls{};      ///< The calls of the host's port,
  std::vector<host::TimePoint> times{};  ///< and the times of the calls.
};

}  // namespace memctl::faults
