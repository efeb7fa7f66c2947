// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>

#include "memctl/domain_info.hpp"
#include "memctl/error.hpp"
#include "memctl/recovery.hpp"
#include "output.hpp"

namespace memctl::cli {

/// What `memctl recover` writes. It writes each domain at once, because a guest takes its time to
/// give memory back.
class RecoverOutput {
 public:
  explicit RecoverOutput(const Options& options) : options_{options} {}

  /// Adds the result of one domain. Returns the text to write now.
  [[nodiscard]] std::string add(const Result<Recovery>& recovered, const DomainIdentity& domain);
  /// Adds a domain that does not exist, or a host that cannot be opened. Returns the text to write
  /// now.
  [[nodiscard]] std::string add(const Error& error);

  /// The text to write at the end, and the worst exit code of all domains.
  [[nodiscard]] Output end() const;

 private:
  [[nodiscard]] std::string failed(Error error, const std::optional<DomainIdentity>& domain);
  void count(ExitCode code);

  const Options& options_;
  std::string errors_{};
  bool written_{false};
  ExitCode code_{ExitCode::verified};
};

}  // namespace memctl::cli
