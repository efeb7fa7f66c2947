// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <string_view>

#include "memctl/error.hpp"
#include "memctl/export.hpp"
#include "memctl/units.hpp"

namespace memctl {

/// The size that a caller asks for: absolute, or relative to the domain's present target. Sizes are
/// counted as `xl` counts them, with video RAM.
struct SizeRequest {
  enum class Kind { absolute, relative };
  Kind kind{Kind::absolute};
  Kib amount{};  ///< Relative: negative to shrink.

  constexpr SizeRequest() = default;
  constexpr SizeRequest(Kib absolute) : amount{absolute} {}  // NOLINT(google-explicit-constructor)
  static constexpr SizeRequest relative(Kib delta) {
    SizeRequest request{delta};
    request.kind = Kind::relative;
    return request;
  }
  friend bool operator==(const SizeRequest&, const SizeRequest&) = default;
};

/// Reads a size as `xl` does. A bare number is MiB. The suffixes are k, m, g, t, also KiB, MiB,
/// GiB, TiB, in any case and after at most one space. A leading + or - makes the size relative.
/// Only whole numbers are sizes. A size to shrink by needs its unit: "-1" is refused, because
/// scripts use it for "none". Errors: `invalid_size`, with the accepted forms in the hint.
[[nodiscard]] MEMCTL_EXPORT Result<SizeRequest> parse_size(std::string_view text);

/// The size as memctl prints every size: whole MiB as "1024 MiB", anything else as "1048573 KiB".
/// `parse_size` reads both forms.
[[nodiscard]] MEMCTL_EXPORT std::string to_string(Kib size);

}  // namespace memctl
