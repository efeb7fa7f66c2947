// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "memctl/domain_info.hpp"
#include "show_size.hpp"
#include "table.hpp"

namespace memctl::cli {

/// A column of the table of domains.
struct StatusColumn {
  std::string_view name;
  std::string_view help;
  Table::Align align;
  std::string (*cell)(const DomainStatus& status, SizeUnit unit);
};
using StatusColumns = std::vector<const StatusColumn*>;

/// All columns.
[[nodiscard]] std::span<const StatusColumn> status_columns();
/// The columns that are shown if the user names none.
[[nodiscard]] StatusColumns usual_columns();
/// The usual columns and two more, the most important first: a terminal gets as many as it has room
/// for.
[[nodiscard]] StatusColumns columns_by_importance();

/// Whether the list of the domains has all that these columns show, so that no domain is asked.
[[nodiscard]] bool are_listed(const StatusColumns& columns);

/// The columns of a list such as "NAME,SIZE", in any case; "+UUID" is the usual columns and UUID.
/// Otherwise what is wrong with the list.
[[nodiscard]] std::variant<StatusColumns, std::string> read_columns(std::string_view list);

}  // namespace memctl::cli
