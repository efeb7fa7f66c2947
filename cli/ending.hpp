// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "exit_code.hpp"
#include "memctl/error.hpp"
#include "memctl/report.hpp"

namespace memctl::cli {

/// How a request ended, for text and for JSON. If it was refused before an operation began, there
/// is no report and often no domain. Members that are not known are empty.
struct Ending {
  Outcome outcome{Outcome::refused};
  std::optional<Error> error{};  ///< Empty when verified.
  std::optional<Report> report{};
  std::optional<DomainIdentity> domain{};
  std::optional<Kib> requested{};
  std::chrono::milliseconds elapsed{};
  /// The size when restoring began. Empty: nothing was restored.
  std::optional<Kib> stopped_at{};

  /// A verified resize.
  explicit Ending(Report verified);
  /// Any other ending. The report in `error` has precedence over `domain` and `requested`.
  Ending(Error error, std::optional<DomainIdentity> domain, std::optional<Kib> requested);

  [[nodiscard]] std::optional<Cause> cause() const {
    return error ? std::optional{error->cause} : std::nullopt;
  }
  [[nodiscard]] ExitCode exit_code() const { return cli::exit_code(outcome, cause()); }
};

}  // namespace memctl::cli
