// SPDX-License-Identifier: LGPL-2.1-or-later
#include "table.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "characters.hpp"

namespace memctl::cli {

Table::Table(std::vector<std::string> header, Align align) : aligns_(header.size(), align) {
  rows_.push_back(std::move(header));
}

void Table::align(std::size_t column, Align align) { aligns_.at(column) = align; }

void Table::add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }

std::size_t Table::width(std::size_t column) const {
  std::size_t width = 0;
  for (const auto& row : rows_) width = std::max(width, columns_of(row.at(column)));
  return width;
}

void Table::narrow(std::size_t column, std::size_t width, std::string_view mark) {
  for (auto& row : rows_) row.at(column) = cut_to(row.at(column), width, mark);
}

std::string Table::text(std::string_view indent) const {
  std::vector<std::size_t> all(aligns_.size());
  std::iota(all.begin(), all.end(), 0);
  return lines(all, indent, 0);
}

std::string Table::text(const std::vector<std::size_t>& columns, bool header) const {
  return lines(columns, "", header ? 0 : 1);
}

std::string Table::lines(const std::vector<std::size_t>& columns, std::string_view indent,
                         std::size_t first) const {
  std::vector<std::size_t> widths;
  for (const std::size_t column : columns) {
    std::size_t width = 0;
    for (std::size_t row = first; row < rows_.size(); ++row) {
      width = std::max(width, columns_of(rows_[row].at(column)));
    }
    widths.push_back(width);
  }
  std::string text;
  for (std::size_t row = first; row < rows_.size(); ++row) {
    std::string line{indent};
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const std::string& cell = rows_[row][columns[i]];
      const std::string padding(widths[i] - columns_of(cell), ' ');
      if (i > 0) line.append(gap, ' ');
      line += aligns_[columns[i]] == Align::left ? cell + padding : padding + cell;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace memctl::cli
