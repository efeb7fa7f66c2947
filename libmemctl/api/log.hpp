// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "memctl/domain_info.hpp"
#include "memctl/error.hpp"
#include "memctl/log.hpp"
#include "memctl/recovery.hpp"
#include "memctl/report.hpp"
#include "memctl/resize.hpp"
#include "memctl/size.hpp"

namespace memctl {

/// What the embedding program is told of a host, if it wants to know. Belongs to the host's thread.
class Log {
 public:
  /// `tell`: empty if the program does not want to know.
  explicit Log(LogCallback tell) : tell_{std::move(tell)} {}

  void begins(const DomainIdentity& domain, const SizeRequest& size) const;
  void ended(const DomainIdentity& domain, const SizeRequest& size,
             const Result<Report>& result) const;
  void recovered(const DomainIdentity& domain, const Result<Recovery>& result) const;
  /// What the program's own callback threw.
  void threw(const std::string& what) const;

  /// `on_event`, and a line for each phase of each stage.
  [[nodiscard]] std::function<void(const Event&)> following(
      const DomainIdentity& domain, std::function<void(const Event&)> on_event) const;

 private:
  void write(LogLevel level, const DomainIdentity& domain, std::string message) const;
  /// `known`: what is told if the error has no report.
  void failed(LineKind kind, const Error& error, Report known) const;
  void tell(const LogLine& line) const;

  LogCallback tell_;
};

}  // namespace memctl
