// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace memctl {

/// A text that somebody else wrote, fit for a terminal: cut to `most` characters, and with a
/// question mark for each byte that is no printable ASCII.
[[nodiscard]] std::string printable(std::string_view text, std::size_t most);

}  // namespace memctl
