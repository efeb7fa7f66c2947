// SPDX-License-Identifier: LGPL-2.1-or-later
#include "memctl/size_range.hpp"

#include <algorithm>

namespace memctl {

Kib SizeRange::nearest(Kib size) const {
  const Kib inside = std::clamp(size, smallest.size, largest.size);
  // An end may be a present size that is no whole number of pages.
  if (inside <= step_from || inside == smallest.size || inside == largest.size) return inside;
  const Kib below = step_from + round_down(inside - step_from, step);
  const Kib above = below + step;
  const bool below_is_nearer = inside - below <= above - inside || above > largest.size;
  return below_is_nearer ? std::max(below, smallest.size) : above;
}

}  // namespace memctl
