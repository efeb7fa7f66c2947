// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plan/sections.hpp"

#include <algorithm>

namespace memctl::plan {
namespace {

constexpr Kib section_of_64_bits = 128_MiB;
constexpr Kib section_with_pae = 512_MiB;

}  // namespace

bool has_32_bits(const std::optional<GuestFacts>& guest) {
  return guest && is_32_bit_machine(guest->hello.machine);
}

Kib section_of(const Input& input) {
  if (!has_32_bits(input.guest)) return section_of_64_bits;
  // A kernel without memory hotplug tells no block size.
  const Kib block = input.guest->hello.block_size;
  return block > Kib{} ? block : section_with_pae;
}

Kib block_of(const Input& input) {
  const Kib section = section_of(input);
  return input.guest ? std::max(section, input.guest->hello.block_size) : section;
}

bool has_large_blocks(const Input& input) { return block_of(input) > section_of(input); }

Kib memmap_of(const Input& input, std::int64_t sections) {
  const bool pv = input.domain.identity.type == DomainType::pv;
  const std::int64_t bytes_per_page = has_32_bits(input.guest) ? (pv ? 44 : 40) : (pv ? 84 : 64);
  const std::int64_t pages = section_of(input) / kib_per_page;
  return Kib{sections * pages * bytes_per_page / 1024};
}

}  // namespace memctl::plan
