// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Readers of the kernel's text, one line or value at a time: no I/O, no allocation.
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
/// The whole of `text`, trimmed, as a number; nothing for anything else, or one past 64 bits.
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view text, int base = 10);

/// The number of the memory block that a sysfs name such as "memory32" means.
[[nodiscard]] std::optional<std::uint32_t> parse_block_name(std::string_view name);

/// /proc/meminfo, line by line.
struct MeminfoReader {
  Kib total{};
  Kib available{};
  void line(std::string_view text);
};

/// /proc/zoneinfo, line by line: what the kernel's own needs, and a shrinking balloon, can be met
/// from. That is every zone but Movable, HighMem and Device. The field names are those of Linux 4.8
/// and newer.
class ZoneinfoReader {
 public:
  void line(std::string_view text);
  /// Without what a lower zone withholds from requests of the kernel's that could be met in a
  /// higher one of these (lowmem_reserve_ratio), as nearly all could.
  [[nodiscard]] Kib free(Kib page) const;
  /// File pages of these zones, and the nodes' reclaimable slab, which lies in them.
  [[nodiscard]] Kib reclaimable(Kib page) const { return page * reclaimable_pages_; }

 private:
  static constexpr std::array<std::string_view, 3> kernel_zones{"DMA", "DMA32", "Normal"};

  bool kernel_zone_{false};
  std::bitset<kernel_zones.size()> seen_{};  ///< Those that this kernel has.
  /// Of the zone at hand, from requests for each zone; and what all of them leave for such.
  std::array<std::int64_t, kernel_zones.size()> withheld_pages_{};
  std::array<std::int64_t, kernel_zones.size()> free_pages_{};
  std::int64_t reclaimable_pages_{0};
};

/// /proc/pressure/memory, line by line.
struct PressureReader {
  std::optional<double> some_avg10{};
  std::optional<double> full_avg10{};
  void line(std::string_view text);
};

/// Whether a kernel uevent tells of a memory block, or of the memory subsystem.
[[nodiscard]] bool is_memory_uevent(std::string_view message);

}  // namespace memctl::agent
