// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "memctl/domain_info.hpp"
#include "memctl/export.hpp"
#include "memctl/report.hpp"

namespace memctl {

enum class LogLevel {
  debug,    ///< The phases and stages of operations, and what libxl logged of a failed call.
  info,     ///< An operation begins, ends as asked, or is refused.
  warning,  ///< An operation failed, or a callback threw.
};
/// The level's name, for example "warning". The text is static.
[[nodiscard]] MEMCTL_EXPORT std::string_view name(LogLevel level);

/// What a line tells.
enum class LineKind {
  other,
  resize_ended,  ///< How a resize ended. Each resize that began has one, its last.
  /// How a recovery ended that found something, or that failed. A domain that is gone, or whose
  /// resize lives, had nothing to recover.
  recovery_ended,
};
/// The kind's name, for example "resize_ended". The text is static.
[[nodiscard]] MEMCTL_EXPORT std::string_view name(LineKind kind);

/// One line for a log.
struct LogLine {
  LogLevel level{};
  LineKind kind{};
  /// The domain that it is about. Nothing: it is about the host.
  std::optional<DomainIdentity> domain{};
  /// One line without a line end, which names the domain. A guest may have written parts of it.
  std::string message{};
  /// The same as figures, for programs that keep a record of each resize. Nothing: the kind is
  /// `other`. Sizes that a refused request never came to know are zero.
  std::optional<Report> report{};
};

/// What takes a host's log. The host's thread calls it, for one line at a time. It must not block.
/// Its exceptions are ignored.
using LogCallback = std::function<void(const LogLine&)>;

}  // namespace memctl
