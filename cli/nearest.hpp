// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace memctl::cli {

/// The known word that the user probably meant by `word`: at most every third letter is wrong,
/// missing, extra, or swapped with its neighbour. Nothing: no known word is so near.
[[nodiscard]] std::optional<std::string> nearest(std::string_view word,
                                                 const std::vector<std::string>& known);

}  // namespace memctl::cli
