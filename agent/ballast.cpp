// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/ballast.hpp"

#include <sys/mman.h>

#include <cstddef>

namespace memctl::agent {
namespace {
constexpr std::size_t size_in_bytes = static_cast<std::size_t>(Ballast::size.count()) * 1024;
}  // namespace

void Ballast::take(Kib free) {
  if (memory_ != nullptr || free < plenty) return;
  constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;
  void* const memory = ::mmap(nullptr, size_in_bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (memory != MAP_FAILED) memory_ = memory;
}

void Ballast::lend() {
  if (memory_ != nullptr) ::munmap(memory_, size_in_bytes);
  memory_ = nullptr;
}

void Ballast::lend_if_needed(Kib free) {
  if (free < little) lend();
}

}  // namespace memctl::agent
