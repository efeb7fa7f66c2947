// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace memctl::cli {

/// Columns of text, two spaces apart, each as wide as its widest cell.
class Table {
 public:
  enum class Align { left, right };
  Table(std::vector<std::string> header, Align align);

  void align(std::size_t column, Align align);
  /// `row` has as many cells as the header.
  void add(std::vector<std::string> row);
  [[nodiscard]] std::string text(std::string_view indent) const;

 private:
  std::vector<Align> aligns_;
  std::vector<std::vector<std::string>> rows_;
};

/// How many columns a text takes on a terminal. Each UTF-8 character counts as one column.
[[nodiscard]] std::size_t columns_of(std::string_view text);

}  // namespace memctl::cli
