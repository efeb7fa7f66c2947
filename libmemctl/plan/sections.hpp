// SPDX-License-Identifier: LGPL-2.1-or-later
//
// In which portions a guest's kernel adds memory, what that costs it, and whom the added memory
// serves.
#pragma once

#include <optional>

#include "plan/input.hpp"

namespace memctl::plan {

/// Whether the guest's kernel has 32 bits. Such a kernel uses at most its first 896 MiB for itself
/// ("low memory"); all memory that is added is high memory, which serves processes alone. Only
/// uname's machine tells, and an agent's service sees the kernel's own (no `setarch`). False: it
/// has 64 bits, or no agent tells.
[[nodiscard]] bool has_32_bits(const std::optional<GuestFacts>& guest);

/// Linux's memory section. The balloon driver adds memory in whole sections.
/// - A kernel of 64 bits: 128 MiB, whatever its memory blocks are.
/// - A kernel of 32 bits: its memory block, because only x86_64 has blocks of several sections
///   (memory_block_size_bytes in arch/x86/mm/init_64.c). That is 512 MiB with PAE, which Xen needs.
[[nodiscard]] Kib section_of(const Input& input);

/// What the guest's kernel brings online at once: a section, or several.
[[nodiscard]] Kib block_of(const Input& input);
/// Whether the guest's memory blocks are larger than a section.
[[nodiscard]] bool has_large_blocks(const Input& input);

/// The guest's memory that describing `sections` more sections takes at most, all of it from the
/// kernel's own: page descriptors of 64 bytes for each page (of 32 bits: 32, and 40 with memory
/// cgroups); on pv also p2m and page tables, and high memory has no page tables. For 128 MiB on
/// 64 bits that is 2 MiB, on pv 2.64 MiB (measured: 2.58); for 512 MiB on 32 bits 5 MiB, on pv 5.5.
[[nodiscard]] Kib memmap_of(const Input& input, std::int64_t sections);

}  // namespace memctl::plan
