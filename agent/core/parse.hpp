// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Parsers of the kernel's text. Each call takes one line or value. No I/O, no allocation.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>
#include <string_view>

#include "memctl/units.hpp"

namespace memctl::agent {

/// `text` without white space at its ends.
[[nodiscard]] std::string_view trimmed(std::string_view text);
/// The trimmed `text` as a number. Nothing: it is no number, or has more than 64 bits.
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view text, int base = 10);

/// Whether uname's release is this version of Linux or a newer one. False: it does not have the
/// form of a Linux release.
[[nodiscard]] bool is_at_least(std::string_view release, unsigned major, unsigned minor);

/// The block's number in a sysfs name such as "memory32".
[[nodiscard]] std::optional<std::uint32_t> parse_block_name(std::string_view name);

/// /proc/meminfo, line by line.
struct MeminfoReader {
  Kib total{};
  Kib available{};
  void line(std::string_view text);
};

/// /proc/zoneinfo, line by line: the zones from which the kernel and a shrinking balloon can take
/// memory. These are all zones but Movable, HighMem and Device. HighMem is told apart. The field
/// names are those of Linux 4.8 and newer.
class ZoneinfoReader {
 public:
  void line(std::string_view text);
  /// The free memory, without what a lower zone withholds from requests that a higher zone could
  /// meet (lowmem_reserve_ratio). A higher zone could meet nearly all of the kernel's requests.
  [[nodiscard]] Kib free(Kib page) const;
  /// The file pages of these zones, and the nodes' reclaimable slab, which lies in these zones.
  [[nodiscard]] Kib reclaimable(Kib page) const { return page * reclaimable_pages_; }
  /// The free memory of the zone HighMem of a kernel of 32 bits. The balloon can take it, and the
  /// kernel cannot use it. Nothing: there is no such zone, or it has no memory.
  [[nodiscard]] std::optional<Kib> high_free(Kib page) const {
    return high_pages_ ? std::optional{page * *high_pages_} : std::nullopt;
  }

 private:
  static constexpr std::array<std::string_view, 3> kernel_zones{"DMA", "DMA32", "Normal"};

  bool kernel_zone_{false};
  bool high_zone_{false};
  std::bitset<kernel_zones.size()> seen_{};  ///< The zones that this kernel has.
  /// For requests to each zone: what the present zone withholds from them, and what all zones
  /// together have free for them.
  std::array<std::int64_t, kernel_zones.size()> withheld_pages_{};
  std::array<std::int64_t, kernel_zones.size()> free_pages_{};
  std::int64_t reclaimable_pages_{0};
  std::optional<std::int64_t> high_pages_{};
};

/// /proc/pressure/memory, line by line.
struct PressureReader {
  std::optional<double> some_avg10{};
  std::optional<double> full_avg10{};
  void line(std::string_view text);
};

/// Whether a kernel uevent is about a memory block or the memory subsystem.
[[nodiscard]] bool is_memory_uevent(std::string_view message);

}  // namespace memctl::agent
