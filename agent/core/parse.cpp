// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/core/parse.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <tuple>

namespace memctl::agent {
namespace {

constexpr std::string_view white = " \t\r\n";
// More than any machine has. Sums of counts below this limit cannot overflow.
constexpr std::uint64_t count_limit = std::uint64_t{1} << 48;

/// Takes the first word off `text`.
std::string_view take_word(std::string_view& text) {
  const auto begin = text.find_first_not_of(white);
  if (begin == std::string_view::npos) {
    text = {};
    return {};
  }
  const auto end = text.find_first_of(white, begin);
  const auto word = text.substr(begin, end == std::string_view::npos ? end : end - begin);
  text.remove_prefix(begin + word.size());
  return word;
}

std::optional<std::int64_t> parse_count(std::string_view text) {
  const auto value = parse_number(text);
  if (!value || *value >= count_limit) return std::nullopt;
  return static_cast<std::int64_t>(*value);
}

/// Linux writes it with two decimals (kernel/sched/psi.c). The standard library's reader of
/// decimals has large tables, and this program is to stay small.
std::optional<double> parse_percentage(std::string_view text) {
  const auto point = text.find('.');
  if (point == std::string_view::npos || text.size() != point + 3) return std::nullopt;
  const auto whole = parse_number(text.substr(0, point));
  const auto hundredths = parse_number(text.substr(point + 1));
  if (!whole || !hundredths || *whole > 100) return std::nullopt;
  const std::uint64_t value = *whole * 100 + *hundredths;
  if (value > 100 * 100) return std::nullopt;
  return static_cast<double>(value) / 100;
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(white);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(white) - begin + 1);
}

std::optional<std::uint64_t> parse_number(std::string_view text, int base) {
  text = trimmed(text);
  std::uint64_t value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_at_least(std::string_view release, unsigned major, unsigned minor) {
  const auto take_digits = [&release] {
    const auto digits = release.substr(0, release.find_first_not_of("0123456789"));
    release.remove_prefix(digits.size());
    return parse_number(digits);
  };
  const auto first = take_digits();
  if (!first || !release.starts_with('.')) return false;
  release.remove_prefix(1);
  const auto second = take_digits();
  return second &&
         std::tuple{*first, *second} >= std::tuple<std::uint64_t, std::uint64_t>{major, minor};
}

std::optional<std::uint32_t> parse_block_name(std::string_view name) {
  constexpr std::string_view prefix = "memory";
  if (!name.starts_with(prefix)) return std::nullopt;
  name.remove_prefix(prefix.size());
  if (name.empty() || name.front() < '0' || name.front() > '9') return std::nullopt;
  const auto value = parse_number(name);
  if (!value || *value > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return static_cast<std::uint32_t>(*value);
}

void MeminfoReader::line(std::string_view text) {
  const auto key = take_word(text);
  Kib* const field = key == "MemTotal:" ? &total : key == "MemAvailable:" ? &available : nullptr;
  if (field == nullptr) return;
  if (const auto kib = parse_count(take_word(text))) *field = Kib{*kib};
}

// The kernel requests memory for itself from the highest of its zones, and that zone has the last
// column.
Kib ZoneinfoReader::free(Kib page) const {
  return page * free_pages_[seen_.any() ? seen_.count() - 1 : 0];
}

void ZoneinfoReader::line(std::string_view text) {
  const auto key = take_word(text);
  if (key == "Node") {  // "Node 0, zone    DMA32"
    take_word(text);
    if (take_word(text) == "zone") {
      const auto name = take_word(text);
      high_zone_ = name == "HighMem";
      const auto* const found = std::ranges::find(kernel_zones, name);
      kernel_zone_ = found != kernel_zones.end();
      if (kernel_zone_) seen_.set(static_cast<std::size_t>(found - kernel_zones.begin()));
      withheld_pages_ = {};
    }
    return;
  }
  if (key == "protection:") {  // "protection: (0, 93, 2269, 2269)": a column for each zone
    for (std::int64_t& withheld : withheld_pages_) {
      const auto word = take_word(text);
      const auto begin = word.find_first_of("0123456789");
      if (begin == std::string_view::npos) break;
      const auto end = word.find_last_of("0123456789");
      withheld = parse_count(word.substr(begin, end - begin + 1)).value_or(0);
    }
    return;
  }
  // A node's own figures follow the header of its first zone, whatever zone that is.
  const bool file_pages = key == "nr_zone_inactive_file" || key == "nr_zone_active_file";
  if (key == "nr_slab_reclaimable" || (kernel_zone_ && file_pages)) {
    reclaimable_pages_ += parse_count(take_word(text)).value_or(0);
  } else if (high_zone_ && key == "nr_free_pages") {
    high_pages_ = high_pages_.value_or(0) + parse_count(take_word(text)).value_or(0);
  } else if (kernel_zone_ && key == "nr_free_pages") {
    const auto pages = parse_count(take_word(text)).value_or(0);
    for (std::size_t column = 0; column < free_pages_.size(); ++column) {
      free_pages_[column] += std::max<std::int64_t>(0, pages - withheld_pages_[column]);
    }
  }
}

void PressureReader::line(std::string_view text) {
  const auto kind = take_word(text);
  constexpr std::string_view prefix = "avg10=";
  const auto field = take_word(text);
  if (!field.starts_with(prefix)) return;
  const auto value = parse_percentage(field.substr(prefix.size()));
  if (kind == "some") some_avg10 = value;
  if (kind == "full") full_avg10 = value;
}

bool is_memory_uevent(std::string_view message) {
  // A message begins like "add@/devices/system/memory/memory32". The variables follow.
  return message.substr(0, message.find('\0')).find("@/devices/system/memory/") !=
         std::string_view::npos;
}

}  // namespace memctl::agent
