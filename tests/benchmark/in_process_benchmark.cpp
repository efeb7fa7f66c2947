// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Many guests at once, in one process and over the public API: what `in_process.py` runs. Each run
// is a process of its own, and prints what it counted as JSON.
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <semaphore>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "memctl/host.hpp"
#include "memctl/size.hpp"

namespace memctl {
namespace {

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point begun) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begun).count();
}

/// The processor time of this process so far.
double cpu_ms() {
  std::timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

/// What is allocated now, in all threads.
double heap_bytes() {
  const auto info = ::mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd);
}

/// How often a thread of this process has gone to sleep so far.
double sleeps() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_nvcsw);
}

/// A resize in a process that has just begun also loads the code from the disk's cache.
void warm_up() {
  const Host host = Host::open("sim:").value();
  const std::vector<Domain> domains = host.domains().value();
  for (const Domain& domain : domains) static_cast<void>(domain.resize(4_GiB).wait());
}

/// Resizes all guests at once, until all are verified.
int resize(const std::string& uri, Kib size) {
  warm_up();
  const Host host = Host::open(uri).value();
  const std::vector<Domain> domains = host.domains().value();
  std::vector<Operation> operations;
  operations.reserve(domains.size());
  const auto begun = Clock::now();
  const double cpu_before = cpu_ms();
  for (const Domain& domain : domains) operations.push_back(domain.resize(size));
  std::size_t verified = 0;
  for (const Operation& operation : operations) verified += operation.wait() ? 1 : 0;
  const double cpu = cpu_ms() - cpu_before;
  const double elapsed = ms_since(begun);
  std::printf(R"({"guests": %zu, "verified": %zu, "ms": %.4f, "cpu_ms": %.4f})"
              "\n",
              domains.size(), verified, elapsed, cpu);
  return verified == domains.size() ? 0 : 1;
}

/// Opens the host, and asks all guests for their status once.
int status(const std::string& uri) {
  const auto begun = Clock::now();
  const Host host = Host::open(uri).value();
  const double opened = ms_since(begun);
  const auto all = host.status_all().value();
  const double asked = ms_since(begun);
  std::size_t sound = 0;
  for (const auto& each : all) sound += each.result && each.result.value().range ? 1 : 0;
  std::printf(R"({"guests": %zu, "sound": %zu, "open_ms": %.4f, "ms": %.4f})"
              "\n",
              all.size(), sound, opened, asked);
  return sound == all.size() ? 0 : 1;
}

/// Begins a resize of each guest, and measures while all of them wait for guests that stand still.
/// No size: begins nothing.
int wait(const std::string& uri, std::optional<Kib> size, std::chrono::seconds time) {
  const Host host = Host::open(uri).value();
  const std::vector<Domain> domains = host.domains().value();
  const double heap_before = heap_bytes();
  std::vector<Operation> operations;
  operations.reserve(domains.size());
  std::counting_semaphore waiting{0};
  const auto note = [&waiting](const Event& event) {
    if (event.phase == Phase::online && event.now == event.from) waiting.release();
  };
  if (size) {
    for (const Domain& domain : domains) {
      operations.push_back(
          domain.resize(*size, {.stall = std::chrono::hours{24}, .on_event = note}));
    }
    for (std::size_t each = 0; each < domains.size(); ++each) waiting.acquire();
  }
  std::this_thread::sleep_for(std::chrono::seconds{1});
  const double heap = heap_bytes() - heap_before;
  const double sleeps_before = sleeps();
  const double cpu_before = cpu_ms();
  const auto begun = Clock::now();
  std::this_thread::sleep_for(time);
  std::printf(R"({"guests": %zu, "operations": %zu, "heap_bytes": %.0f, "ms": %.4f, )"
              R"("cpu_ms": %.4f, "sleeps": %.0f})"
              "\n",
              domains.size(), operations.size(), heap, ms_since(begun), cpu_ms() - cpu_before,
              sleeps() - sleeps_before);
  std::fflush(stdout);
  ::_exit(0);  // restoring all of these guests would take minutes
}

}  // namespace
}  // namespace memctl

int main(int count, char** arguments) {
  using memctl::parse_size;
  const std::string_view what = count > 2 ? arguments[1] : "";
  const auto size = [&] { return parse_size(arguments[3]).value().amount; };
  if (what == "status" && count == 3) return memctl::status(arguments[2]);
  if (what == "resize" && count == 4) return memctl::resize(arguments[2], size());
  if (what == "wait" && count == 5) {
    const bool begins = std::string_view{arguments[3]} != "none";
    return memctl::wait(arguments[2], begins ? std::optional{size()} : std::nullopt,
                        std::chrono::seconds{std::atoi(arguments[4])});
  }
  std::fputs("usage: in_process status URI | resize URI SIZE | wait URI SIZE|none SECONDS\n",
             stderr);
  return 2;
}
