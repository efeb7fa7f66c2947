// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The table of domains, for people and for scripts. Pure: values in, text out.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "memctl/domain_info.hpp"
#include "memctl/host_status.hpp"
#include "status_columns.hpp"

namespace memctl::cli {

/// What the user wants to see of the table.
struct StatusLook {
  /// None: the usual columns; on a terminal, as many as it has room for.
  StatusColumns columns{};
  SizeUnit unit{SizeUnit::mib};
  bool headings{true};  ///< Also the line about the host.

  /// Without headings or with columns of their own choice, people want the domains alone.
  [[nodiscard]] bool has_host_line() const { return headings && columns.empty(); }
};

/// Where the table is shown.
struct Screen {
  std::optional<int> columns{};  ///< Nothing: no terminal. Then nothing is cut off or left out.
  bool utf8{false};
};

[[nodiscard]] std::string status_table(const std::vector<DomainStatus>& domains,
                                       const StatusLook& look, const Screen& screen);

/// One line about the host's memory, as much of it as the screen has room for.
[[nodiscard]] std::string host_line(const HostStatus& host, SizeUnit unit, const Screen& screen);

/// Two lines about a domain: why it can neither grow nor shrink any further.
[[nodiscard]] std::string limits_text(const DomainStatus& status);

}  // namespace memctl::cli
