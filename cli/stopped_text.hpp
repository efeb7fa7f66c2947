// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What people read about a resize that an interruption or its timeout stopped. Pure: values in,
// text out.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ending.hpp"
#include "memctl/resize.hpp"

namespace memctl::cli {

/// One line for a resize that is being cancelled. `back_to` is the size to be restored. Empty: it
/// is not known, or the size that was reached will be kept.
[[nodiscard]] std::string cancelling_all_text();
[[nodiscard]] std::string cancelling_text(std::string_view domain, std::optional<Kib> back_to);

/// How the resize ended. Nothing: neither an interruption nor its timeout stopped it, or the
/// error's own text says more.
[[nodiscard]] std::optional<std::string> stopped_text(const Ending& ending,
                                                      const ResizeOptions& options);

}  // namespace memctl::cli
