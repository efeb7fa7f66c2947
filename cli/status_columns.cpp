// SPDX-License-Identifier: LGPL-2.1-or-later
#include "status_columns.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "characters.hpp"
#include "nearest.hpp"

namespace memctl::cli {
namespace {

constexpr auto text_side = Table::Align::left;
constexpr auto number_side = Table::Align::right;
constexpr const char* not_known = "-";

std::string size_or_unknown(std::optional<Kib> size, SizeUnit unit) {
  return size ? show_size(*size, unit) : std::string{not_known};
}

std::string text_or_unknown(std::string_view text) {
  return text.empty() ? std::string{not_known} : printable(text);
}

std::string used_by_guest(const DomainStatus& status, SizeUnit unit) {
  const auto& total = status.reported_total;
  const auto& available = status.reported_available;
  if (!total || !available) return not_known;
  return show_size(std::max(Kib{}, *total - *available), unit);
}

std::string limited_by(const DomainStatus& status, SizeUnit /*unit*/) {
  const auto cause = status.range ? std::optional{status.range->largest.cause} : status.refused_by;
  return std::string{cause ? name(*cause) : not_known};
}

/// "0,2"
std::string nodes_of(const DomainStatus& status) {
  std::string text;
  const auto& forecast = status.numa_forecast;
  for (std::size_t each = 0; forecast && each < forecast->nodes.size(); ++each) {
    text += (each > 0 ? "," : "") + std::to_string(forecast->nodes[each]);
  }
  return text_or_unknown(text);
}

using Status = const DomainStatus&;

constexpr std::array<StatusColumn, 22> known_columns{{
    {"NAME", "the domain's name", text_side,
     [](Status status, SizeUnit) { return text_or_unknown(status.domain.name); }},
    {"ID", "its number", number_side,
     [](Status status, SizeUnit) { return std::to_string(number(status.domain.id)); }},
    {"UUID", "its UUID", text_side,
     [](Status status, SizeUnit) { return text_or_unknown(status.domain.uuid); }},
    {"TYPE", "pv, pvh or hvm", text_side,
     [](Status status, SizeUnit) { return std::string{name(status.domain.type)}; }},
    {"SIZE", "the memory that it has now", number_side,
     [](Status status, SizeUnit unit) { return show_size(status.size, unit); }},
    {"TARGET", "the size that it was last asked to have", number_side,
     [](Status status, SizeUnit unit) { return show_size(status.target, unit); }},
    {"ALLOCATED", "Xen's page count", number_side,
     [](Status status, SizeUnit unit) { return show_size(status.allocated, unit); }},
    {"USED", "what the guest uses, by its own figures", number_side, used_by_guest},
    {"AVAILABLE", "what the guest could still use, by its own figures", number_side,
     [](Status status, SizeUnit unit) { return size_or_unknown(status.reported_available, unit); }},
    {"TOTAL", "the guest's MemTotal", number_side,
     [](Status status, SizeUnit unit) { return size_or_unknown(status.reported_total, unit); }},
    {"STATE", "fine, or what is in the way of a resize", text_side,
     [](Status status, SizeUnit) { return state_of(status); }},
    {"LIMIT", "how far other tools can raise the size", number_side,
     [](Status status, SizeUnit unit) { return size_or_unknown(status.limit, unit); }},
    {"BOOT-LIMIT", "the limit that it was built with", number_side,
     [](Status status, SizeUnit unit) { return size_or_unknown(status.boot_limit, unit); }},
    {"MAX-PAGES", "Xen's own cap", number_side,
     [](Status status, SizeUnit unit) { return show_size(status.max_pages, unit); }},
    {"POOL", "the paging pool of a pvh or hvm guest", number_side,
     [](Status status, SizeUnit unit) { return size_or_unknown(status.pool, unit); }},
    {"SMALLEST", "the smallest size that a resize would be granted", number_side,
     [](Status status, SizeUnit unit) {
       const auto& range = status.range;
       return range ? show_size(range->smallest.size, unit, Rounding::up) : std::string{not_known};
     }},
    {"LARGEST", "the largest size that a resize would be granted", number_side,
     [](Status status, SizeUnit unit) {
       const auto& range = status.range;
       return range ? show_size(range->largest.size, unit, Rounding::down) : std::string{not_known};
     }},
    {"LIMITED-BY", "the cause for which it cannot grow further", text_side, limited_by},
    {"NODES", "the NUMA nodes that its memory comes from first", text_side,
     [](Status status, SizeUnit) { return nodes_of(status); }},
    {"LOCAL", "what a growth would take from these nodes, by a forecast", number_side,
     [](Status status, SizeUnit unit) {
       const auto& forecast = status.numa_forecast;
       return forecast && forecast->local ? show_size(*forecast->local, unit, Rounding::down)
                                          : std::string{not_known};
     }},
    {"AGENT", "the version of the guest's agent", text_side,
     [](Status status, SizeUnit) {
       return text_or_unknown(status.agent ? status.agent->version.substr(0, 20) : std::string{});
     }},
    {"KERNEL", "the guest's kernel", text_side,
     [](Status status, SizeUnit) {
       return text_or_unknown(status.agent ? status.agent->kernel_release : std::string{});
     }},
}};

constexpr std::array usual{"NAME",  "ID",    "TYPE",     "SIZE",   "USED",
                           "STATE", "LIMIT", "SMALLEST", "LARGEST"};
constexpr std::array by_importance{"NAME",    "SIZE",     "STATE", "USED",       "ID",   "LIMIT",
                                   "LARGEST", "SMALLEST", "TYPE",  "LIMITED-BY", "AGENT"};

const StatusColumn* find(std::string_view name) {
  const auto* found = std::ranges::find(known_columns, name, &StatusColumn::name);
  return found == known_columns.end() ? nullptr : found;
}

template <class Names>
StatusColumns found(const Names& names) {
  StatusColumns all;
  for (const char* name : names) all.push_back(find(name));
  return all;
}

std::string upper(std::string_view word) {
  std::string result{word};
  std::ranges::transform(result, result.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? char(c - 'a' + 'A') : c; });
  return result;
}

std::string unknown_column(std::string_view word) {
  std::vector<std::string> names;
  names.reserve(known_columns.size());
  for (const StatusColumn& column : known_columns) names.emplace_back(column.name);
  const auto meant = nearest(upper(word), names);
  return "unknown column \"" + printable(word) + "\"" +
         (meant ? "; did you mean " + *meant + "?" : "");
}

}  // namespace

std::span<const StatusColumn> status_columns() { return known_columns; }

StatusColumns usual_columns() { return found(usual); }

StatusColumns columns_by_importance() { return found(by_importance); }

bool are_listed(const StatusColumns& columns) {
  constexpr std::array<std::string_view, 4> listed{"NAME", "ID", "UUID", "TYPE"};
  return !columns.empty() && std::ranges::all_of(columns, [&](const StatusColumn* column) {
    return std::ranges::find(listed, column->name) != listed.end();
  });
}

std::variant<StatusColumns, std::string> read_columns(std::string_view list) {
  StatusColumns chosen;
  if (list.starts_with('+')) {
    chosen = usual_columns();
    list.remove_prefix(1);
  }
  for (;;) {
    const auto comma = list.find(',');
    const std::string_view word = list.substr(0, comma);
    const StatusColumn* column = find(upper(word));
    if (column == nullptr)
      return word.empty() ? "a column's name is missing" : unknown_column(word);
    chosen.push_back(column);
    if (comma == std::string_view::npos) return chosen;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace memctl::cli
