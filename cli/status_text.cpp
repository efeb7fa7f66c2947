// SPDX-License-Identifier: LGPL-2.1-or-later
#include "status_text.hpp"

#include <algorithm>
#include <utility>

#include "characters.hpp"
#include "text.hpp"

namespace memctl::cli {
namespace {

using Indices = std::vector<std::size_t>;

/// A name gives way until it is so narrow; then a column is left out instead.
constexpr std::size_t narrowest_name = 6;

std::size_t place_of(const StatusColumn* column, const StatusColumns& all) {
  return static_cast<std::size_t>(std::ranges::find(all, column) - all.begin());
}

StatusColumns all_columns() {
  StatusColumns all;
  for (const StatusColumn& column : status_columns()) all.push_back(&column);
  return all;
}

std::size_t width_of(const Indices& shown, const Table& table) {
  std::size_t width = 0;
  for (const std::size_t column : shown) {
    width += (width == 0 ? 0 : Table::gap) + table.width(column);
  }
  return width;
}

/// The most important columns that fit. The first of them is the name, which may have to be cut.
StatusColumns fitting(const Table& table, const StatusColumns& all, std::size_t room) {
  StatusColumns shown;
  const std::size_t name_room = std::max(narrowest_name, room / 4);
  std::size_t used = 0;
  for (const StatusColumn* column : columns_by_importance()) {
    const std::size_t width = table.width(place_of(column, all));
    used += shown.empty() ? std::min(width, name_room) : Table::gap + width;
    if (!shown.empty() && used > room) break;
    shown.push_back(column);
  }
  std::ranges::sort(shown, {}, [&](const auto* column) { return place_of(column, all); });
  return shown;
}

void cut_names(Table& table, const Indices& shown, const Screen& screen) {
  const auto room = static_cast<std::size_t>(std::max(*screen.columns, 1));
  const std::size_t width = width_of(shown, table);
  const bool named = std::ranges::find(shown, 0U) != shown.end();
  if (!named || width <= room) return;
  const std::size_t name = table.width(0);
  const std::size_t surplus = std::min(width - room, name);
  const std::size_t least = std::min(room, narrowest_name);
  table.narrow(0, std::max(least, name - surplus), screen.utf8 ? "\u2026" : "~");
}

}  // namespace

std::string status_table(const std::vector<DomainStatus>& domains, const StatusLook& look,
                         const Screen& screen) {
  const StatusColumns all = all_columns();
  std::vector<std::string> header;
  for (const StatusColumn* column : all) header.emplace_back(column->name);
  Table table{std::move(header), Table::Align::left};
  for (std::size_t each = 0; each < all.size(); ++each) table.align(each, all[each]->align);
  for (const DomainStatus& status : domains) {
    std::vector<std::string> row;
    for (const StatusColumn* column : all) row.push_back(column->cell(status, look.unit));
    table.add(std::move(row));
  }
  StatusColumns shown = look.columns;
  if (shown.empty()) {
    shown = screen.columns
                ? fitting(table, all, static_cast<std::size_t>(std::max(*screen.columns, 1)))
                : usual_columns();
  }
  Indices places;
  for (const StatusColumn* column : shown) places.push_back(place_of(column, all));
  if (screen.columns) cut_names(table, places, screen);
  return table.text(places, look.headings);
}

std::string host_line(const HostStatus& host, SizeUnit unit, const Screen& screen) {
  const std::string mib = unit == SizeUnit::mib ? " MiB" : unit == SizeUnit::bytes ? " bytes" : "";
  const auto shown = [&](Kib size) { return show_size(size, unit, Rounding::down); };
  std::string line;
  for (const std::string& part :
       {"host: " + shown(host.total) + mib, ", " + shown(host.free) + " free",
        ", " + shown(host.claimed) + " claimed", ", " + shown(host.reserve) + " kept in reserve",
        ", " + shown(host.spare()) + " to give"}) {
    const bool fits =
        !screen.columns || line.size() + part.size() <= static_cast<std::size_t>(*screen.columns);
    if (!line.empty() && !fits) break;
    line += part;
  }
  return line + "\n";
}

std::string limits_text(const DomainStatus& status) {
  if (!status.range) return printable(status.refused_message) + "\n";
  const std::string start = printable(status.domain.name) + ": ";
  const auto end = [](const RangeEnd& of, Rounding rounding) {
    return show_size(of.size, SizeUnit::mib, rounding) + " MiB; " + printable(of.reason) + "\n";
  };
  return start + "can grow to " + end(status.range->largest, Rounding::down) + start +
         "can shrink to " + end(status.range->smallest, Rounding::up);
}

}  // namespace memctl::cli
