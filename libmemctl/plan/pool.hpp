// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <cstdint>

#include "memctl/units.hpp"

namespace memctl::plan {

/// The paging pool that libxl gives a pvh or hvm domain with this limit: 256 pages for each vcpu,
/// and for each MiB of the limit one page, or two with shadow paging
/// (libxl__get_required_paging_memory, Xen 4.17). With a smaller pool a growing guest stalls
/// without a message, and a shrinking guest crashes.
[[nodiscard]] constexpr Kib pool_for(Kib maximum, int vcpus, bool hap) {
  const std::int64_t mebibytes = round_up(maximum, 1_MiB) / 1_MiB;
  return kib_per_page * (256 * std::int64_t{vcpus} + (hap ? 1 : 2) * mebibytes);
}

/// The largest limit for which a pool of this size is enough: the inverse of `pool_for`.
[[nodiscard]] constexpr Kib limit_for(Kib pool, int vcpus, bool hap) {
  const std::int64_t pages = pool / kib_per_page - 256 * std::int64_t{vcpus};
  return 1_MiB * std::max<std::int64_t>(0, pages / (hap ? 1 : 2));
}

}  // namespace memctl::plan
