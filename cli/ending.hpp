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

/// How a request ended, for text and for JSON. One that was refused before an operation began has
/// no report of the library, and often no domain: what is unknown stays empty.
struct Ending {
  Outcome outcome{Outcome::refused};
  std::optional<Error> error{};  ///< Empty when verified.
  std::optional<Report> report{};
  std::optional<DomainIdentity> domain{};
  std::optional<Kib> requested{};
  std::chrono::milliseconds elapsed{};
  /// How far it had come when the earlier state was to come back; empty if it never was.
  std::optional<Kib> stopped_at{};

  /// A verified resize.
  explicit Ending(Report verified);
  /// Anything else. What the error's report says goes before what the caller knew.
  Ending(Error error, std::optional<DomainIdentity> domain, std::optional<Kib> requested);

  [[nodiscard]] std::optional<Cause> cause() const {
    return error ? std::optional{error->cause} : std::nullopt;
  }
  [[nodiscard]] ExitCode exit_code() const { return cli::exit_code(outcome, cause()); }
};

}  // namespace memctl::cli
