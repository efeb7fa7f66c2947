// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "memctl/cause.hpp"
#include "memctl/export.hpp"
#include "memctl/units.hpp"

namespace memctl {

/// One end of a range of sizes, and why the range ends there.
struct RangeEnd {
  Kib size{};
  Cause cause{Cause::invalid_size};  ///< Why a resize past this end would be refused.
  /// The cause in words, with figures: one clause. A guest may have written parts of it.
  std::string reason{};
  friend bool operator==(const RangeEnd&, const RangeEnd&) = default;
};

/// The sizes that a resize of a domain would be granted now, counted with video RAM. The host and
/// the guest change, so a later resize may see another range.
struct SizeRange {
  RangeEnd smallest{};
  RangeEnd largest{};
  /// Up to `step_from`, every whole page is a size. Above it the guest has to add memory blocks,
  /// and sizes go in multiples of `step`, counted from `step_from`. The step is one page unless the
  /// guest's blocks are large.
  Kib step{kib_per_page};
  Kib step_from{};

  /// The size nearest to `size` that lies in the range and on a step. If two sizes are equally
  /// near, the smaller size.
  [[nodiscard]] MEMCTL_EXPORT Kib nearest(Kib size) const;
  friend bool operator==(const SizeRange&, const SizeRange&) = default;
};

}  // namespace memctl
