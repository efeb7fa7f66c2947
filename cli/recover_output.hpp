// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>

#include "memctl/domain_info.hpp"
#include "memctl/error.hpp"
#include "memctl/recovery.hpp"
#include "output.hpp"

namespace memctl::cli {

/// What `memctl recover` writes, domain by domain, since a guest takes its time to give memory
/// back.
class RecoverOutput {
 public:
  explicit RecoverOutput(const Options& options) : options_{options} {}

  /// What became of a domain. Returns what is to be written at once.
  [[nodiscard]] std::string add(const Result<Recovery>& recovered, const DomainIdentity& domain);
  /// A domain that there is not, or a host that cannot be reached.
  [[nodiscard]] std::string add(const Error& error);

  /// What is left to be written, and the exit code: the worst of all domains'.
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
