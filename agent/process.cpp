// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/process.hpp"

#include <malloc.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "agent/core/parse.hpp"
#include "agent/file.hpp"

namespace memctl::agent {
namespace {

Time read_clock(clockid_t clock) {
  std::timespec now{};
  ::clock_gettime(clock, &now);
  return Time{std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000};
}

// Enough for a scan of 4,096 blocks, the messages, and one xenstore payload of 4 KiB at a time.
constexpr std::size_t heap_reserve = std::size_t{384} << 10;
constexpr std::size_t stack_reserve = std::size_t{64} << 10;
constexpr std::size_t page = 4096;

void touch(volatile char* memory, std::size_t size) {
  for (std::size_t i = 0; i < size; i += page) memory[i] = 1;
}

[[gnu::noinline]] void touch_stack() {
  std::array<char, stack_reserve> room;
  touch(room.data(), room.size());
}

}  // namespace

void log_line(const std::string& line) {
  std::array<char, 512> text;
  const int length = std::snprintf(text.data(), text.size(), "memctl-agent: %s\n", line.c_str());
  if (length <= 0) return;
  const auto size = std::min(static_cast<std::size_t>(length), text.size() - 1);
  if (::send(STDERR_FILENO, text.data(), size, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return;
  if (errno != ENOTSOCK) return;
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), size);
}

Time boot_time() { return read_clock(CLOCK_BOOTTIME); }

Time process_cpu_time() { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }

std::string random_instance() {
  std::uint64_t bits{};
  if (::getrandom(&bits, sizeof bits, 0) != sizeof bits) {
    bits = static_cast<std::uint64_t>(boot_time().count()) << 20 ^
           static_cast<std::uint64_t>(::getpid());
  }
  std::array<char, 17> text;
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(bits));
  return text.data();
}

void lock_memory() {
  ::mallopt(M_ARENA_MAX, 1);
  ::mallopt(M_MMAP_MAX, 0);
  ::mallopt(M_TRIM_THRESHOLD, INT_MAX);
  if (::mlockall(MCL_CURRENT | MCL_FUTURE) != 0) {
    log_line(std::string{"memory cannot be locked: "} + std::strerror(errno));
  }
  void* const heap = std::malloc(heap_reserve);
  if (heap != nullptr) touch(static_cast<char*>(heap), heap_reserve);
  std::free(heap);
  touch_stack();
}

void exempt_from_oom_killer() {
  constexpr const char* path = "/proc/self/oom_score_adj";
  std::array<char, 16> buffer;
  const auto now = read_file(path, buffer);
  if (now && trimmed(*now) == "-1000") return;
  if (const int error = write_file(path, "-1000")) {
    log_line(std::string{"not exempt from the OOM killer: "} + std::strerror(error));
  }
}

}  // namespace memctl::agent
