// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What this process looks like from outside: what a library could change behind its program's back.
#pragma once

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <clocale>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <new>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace process {

namespace fs = std::filesystem;

/// Linux's signals, without the two that glibc keeps for itself (32 and 33).
inline std::vector<int> signals() {
  std::vector<int> numbers;
  for (int number = 1; number <= 64; ++number) {
    if (number != 32 && number != 33) numbers.push_back(number);
  }
  return numbers;
}

struct Thread {
  std::string name{};
  std::vector<int> taken{};  ///< The signals that it does not block, although it could.
};

/// The threads but the first one, by name.
inline std::vector<Thread> other_threads() {
  std::vector<Thread> threads;
  for (const auto& entry : fs::directory_iterator{"/proc/self/task"}) {
    if (entry.path().filename() == std::to_string(::getpid())) continue;
    Thread thread;
    std::ifstream status{entry.path() / "status"};
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("Name:\t")) thread.name = line.substr(6);
      if (!line.starts_with("SigBlk:\t")) continue;
      const auto blocked = std::stoull(line.substr(8), nullptr, 16);
      for (const int number : signals()) {
        const bool blocks = (blocked >> (number - 1) & 1U) != 0;
        if (!blocks && number != SIGKILL && number != SIGSTOP) thread.taken.push_back(number);
      }
    }
    if (!thread.name.empty()) threads.push_back(std::move(thread));  // it has not ended meanwhile
  }
  std::ranges::sort(threads, {}, &Thread::name);
  return threads;
}

inline std::string names_of(const std::vector<Thread>& threads) {
  std::string names;
  for (const Thread& thread : threads) names += (names.empty() ? "" : " ") + thread.name;
  return names;
}

/// Waits until no other thread is left. A thread that was joined stays in /proc for a moment.
inline bool is_alone_soon() {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{30};
  while (!other_threads().empty()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

/// How many descriptors are open.
inline std::size_t descriptors() {
  const fs::directory_iterator open{"/proc/self/fd"};
  return static_cast<std::size_t>(std::distance(fs::begin(open), fs::end(open))) - 1;  // its own
}

/// What belongs to the process as a whole, in words that can be compared.
inline std::string belongings() {
  std::ostringstream text;
  for (const int number : signals()) {
    struct sigaction action {};
    ::sigaction(number, nullptr, &action);
    text << "signal " << number << ' ' << reinterpret_cast<void*>(action.sa_handler) << ' '
         << action.sa_flags;
    for (const int each : signals())
      text << (::sigismember(&action.sa_mask, each) == 1 ? '1' : '0');
    text << '\n';
  }
  sigset_t mask;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  text << "mask ";
  for (const int number : signals()) text << (::sigismember(&mask, number) == 1 ? '1' : '0');
  const mode_t umask = ::umask(0);
  ::umask(umask);
  text << "\numask " << umask << "\nlocale " << std::setlocale(LC_ALL, nullptr) << "\ndirectory "
       << fs::current_path() << "\nterminate " << reinterpret_cast<void*>(std::get_terminate())
       << "\nnew " << reinterpret_cast<void*>(std::get_new_handler()) << '\n';
  for (char** variable = environ; *variable != nullptr; ++variable) text << *variable << '\n';
  std::ifstream limits{"/proc/self/limits"};
  text << limits.rdbuf();
  return text.str();
}

}  // namespace process
