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
  static constexpr std::size_t gap = 2;

  Table(std::vector<std::string> header, Align align);

  void align(std::size_t column, Align align);
  /// `row` has as many cells as the header.
  void add(std::vector<std::string> row);
  [[nodiscard]] std::size_t width(std::size_t column) const;
  /// Cuts a column's cells to `width`, with `mark` at the end of those that are longer.
  void narrow(std::size_t column, std::size_t width, std::string_view mark);

  [[nodiscard]] std::string text(std::string_view indent) const;
  /// The columns of these numbers, with the header or without.
  [[nodiscard]] std::string text(const std::vector<std::size_t>& columns, bool header) const;

 private:
  [[nodiscard]] std::string lines(const std::vector<std::size_t>& columns, std::string_view indent,
                                  std::size_t first) const;

  std::vector<Align> aligns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace memctl::cli
