// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the daemon's command line says, and what it measures of itself.
#pragma once

#include <fcntl.h>
#include <malloc.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "guest/process.hpp"
#include "support/sanitizers.hpp"

#ifdef MEMCTL_NO_WORK_AFTER_FORK
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();
#endif

struct Options {
  double minutes{0};  ///< The resizes are spread over so many minutes. 0: as fast as they go.
  long resizes{400};
  std::string leak{};  ///< What to leak with each resize, to show that it is found.
};

inline Options options_of(int count, char** arguments) {
  Options options;
  for (int each = 1; each + 1 < count; each += 2) {
    const std::string name = arguments[each];
    const std::string value = arguments[each + 1];
    if (name == "--minutes") {
      options.minutes = std::stod(value);
    } else if (name == "--resizes") {
      options.resizes = std::stol(value);
    } else if (name == "--leak") {
      options.leak = value;
    } else {
      throw std::runtime_error{"unknown option " + name};
    }
  }
  return options;
}

/// What grows if something leaks.
struct Sample {
  long resizes{};
  long resident_kib{};
  long heap_bytes{};  ///< What is allocated and not freed.
  long descriptors{};
  long threads{};
};

inline Sample sample(long resizes) {
  Sample now{.resizes = resizes};
#ifdef MEMCTL_NO_WORK_AFTER_FORK
  now.heap_bytes = static_cast<long>(__sanitizer_get_current_allocated_bytes());
#else
  ::malloc_trim(0);
  const auto heap = ::mallinfo2();
  now.heap_bytes = static_cast<long>(heap.uordblks + heap.hblkhd);
#endif
  long pages = 0;
  std::ifstream{"/proc/self/statm"} >> pages >> pages;
  now.resident_kib = pages * ::sysconf(_SC_PAGESIZE) / 1024;
  now.descriptors = static_cast<long>(process::descriptors());
  now.threads = static_cast<long>(process::other_threads().size()) + 1;
  return now;
}

inline void leak(const std::string& what) {
  if (what == "memory") {
    [[maybe_unused]] static char* volatile lost = nullptr;
    lost = new char[1024];
  } else if (what == "descriptor") {
    static_cast<void>(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  } else if (what == "thread") {
    std::thread{[] { std::this_thread::sleep_for(std::chrono::hours{24}); }}.detach();
  }
}

inline void print(const std::map<std::string, long>& counts, const std::vector<Sample>& samples) {
  std::printf("{\"counts\": {");
  const char* comma = "";
  for (const auto& [name, count] : counts) {
    std::printf("%s\"%s\": %ld", comma, name.c_str(), count);
    comma = ", ";
  }
  std::printf("},\n \"samples\": [");
  comma = "";
  for (const Sample& each : samples) {
    std::printf(
        "%s\n  {\"resizes\": %ld, \"resident_kib\": %ld, \"heap_bytes\": %ld, "
        "\"descriptors\": %ld, \"threads\": %ld}",
        comma, each.resizes, each.resident_kib, each.heap_bytes, each.descriptors, each.threads);
    comma = ",";
  }
  std::printf("]}\n");
}
