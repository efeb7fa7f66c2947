// SPDX-License-Identifier: LGPL-2.1-or-later
#include "table.hpp"

#include <algorithm>
#include <utility>

namespace memctl::cli {

std::size_t columns_of(std::string_view text) {
  const auto starts_a_character = [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
  };
  return static_cast<std::size_t>(std::ranges::count_if(text, starts_a_character));
}

Table::Table(std::vector<std::string> header, Align align) : aligns_(header.size(), align) {
  rows_.push_back(std::move(header));
}

void Table::align(std::size_t column, Align align) { aligns_.at(column) = align; }

void Table::add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }

std::string Table::text(std::string_view indent) const {
  std::vector<std::size_t> widths(aligns_.size());
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths.at(i) = std::max(widths.at(i), columns_of(row[i]));
    }
  }
  std::string text;
  for (const auto& row : rows_) {
    std::string line{indent};
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - columns_of(row[i]), ' ');
      if (i > 0) line += "  ";
      line += aligns_[i] == Align::left ? row[i] + padding : padding + row[i];
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace memctl::cli
