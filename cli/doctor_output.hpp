// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "doctor_text.hpp"
#include "memctl/error.hpp"
#include "output.hpp"

namespace memctl::cli {

/// What `memctl doctor` writes, part by part, since a guest that does not answer takes seconds.
class DoctorOutput {
 public:
  explicit DoctorOutput(const Options& options) : options_{options} {}

  /// What a part found, or why it could not be examined; `domain` is empty for the host's. Returns
  /// what is to be written at once.
  [[nodiscard]] std::string add(const Result<std::vector<Finding>>& examined,
                                const std::optional<DomainIdentity>& domain);
  /// A part that there is not, or that cannot be reached.
  [[nodiscard]] std::string add(const Error& error);

  /// What is left to be written, and the exit code.
  [[nodiscard]] Output end() const;

 private:
  const Options& options_;
  FindingCount count_{};
  std::string errors_{};
  bool written_{false};
  bool failed_{false};
};

}  // namespace memctl::cli
