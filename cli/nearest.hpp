// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace memctl::cli {

/// The known word that `word` was probably meant to be: at most every third letter is wrong,
/// missing, too much, or in its neighbour's place. Nothing: none is so near.
[[nodiscard]] std::optional<std::string> nearest(std::string_view word,
                                                 const std::vector<std::string>& known);

}  // namespace memctl::cli
