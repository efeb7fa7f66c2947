// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/locked_ballast.hpp"

#include <sys/mman.h>

#include <cstddef>

namespace memctl::agent {
namespace {
constexpr std::size_t size_in_bytes = static_cast<std::size_t>(Ballast::size.count()) * 1024;
}  // namespace

bool LockedBallast::obtain() {
  constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;
  memory_ = ::mmap(nullptr, size_in_bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
  return memory_ != MAP_FAILED;
}

void LockedBallast::give_back() { ::munmap(memory_, size_in_bytes); }

}  // namespace memctl::agent
