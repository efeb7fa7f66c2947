// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "doctor_text.hpp"
#include "memctl/error.hpp"
#include "output.hpp"

namespace memctl::cli {

/// What `memctl doctor` writes. It writes each part at once, because a guest that does not answer
/// takes seconds.
class DoctorOutput {
 public:
  explicit DoctorOutput(const Options& options) : options_{options} {}

  /// Adds the findings about a domain, or about the host if `domain` is empty, or why it could not
  /// be examined. Returns the text to write now.
  [[nodiscard]] std::string add(const Result<std::vector<Finding>>& examined,
                                const std::optional<DomainIdentity>& domain);
  /// Adds a domain that does not exist, or a host that cannot be opened. Returns the text to write
  /// now.
  [[nodiscard]] std::string add(const Error& error);

  /// The text to write at the end, and the exit code.
  [[nodiscard]] Output end() const;

 private:
  const Options& options_;
  FindingCount count_{};
  std::string errors_{};
  bool written_{false};
  bool failed_{false};
};

}  // namespace memctl::cli
