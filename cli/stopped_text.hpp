// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What people read of a resize that was stopped from outside: by an interruption, or because its
// time was over. Pure: values in, text out.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ending.hpp"
#include "memctl/resize.hpp"

namespace memctl::cli {

/// One line, as the resize is about to end. `back_to` is empty if that is not known, or if what was
/// reached is to be kept.
[[nodiscard]] std::string cancelling_text(std::string_view domain, std::optional<Kib> back_to);

/// How it ended; nothing if it was not stopped so, or if the error itself has more to tell.
[[nodiscard]] std::optional<std::string> stopped_text(const Ending& ending,
                                                      const ResizeOptions& options);

}  // namespace memctl::cli
