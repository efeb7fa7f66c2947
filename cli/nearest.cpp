// SPDX-License-Identifier: LGPL-2.1-or-later
#include "nearest.hpp"

#include <algorithm>
#include <utility>

namespace memctl::cli {
namespace {

/// How many letters have to be changed, added, removed, or swapped with the next letter: the
/// "optimal string alignment" distance, row by row.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> two_ago;
  std::vector<std::size_t> above(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::vector<std::size_t> row(b.size() + 1);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, changed});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], two_ago[j - 2] + 1);
    }
    two_ago = std::exchange(above, std::move(row));
  }
  return above.back();
}

}  // namespace

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& known) {
  constexpr std::size_t longest_word = 64;  // the time grows with both lengths
  if (word.size() > longest_word) return std::nullopt;
  std::optional<std::string> found;
  std::size_t least = 0;
  for (const std::string& each : known) {
    const std::size_t apart = distance(word, each);
    if (apart * 3 > std::max(word.size(), each.size()) || (found && apart >= least)) continue;
    found = each;
    least = apart;
  }
  return found;
}

}  // namespace memctl::cli
