// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <pthread.h>

#include <thread>
#include <utility>

#include "base/signals_blocked.hpp"

namespace memctl {

/// A thread of the library. It takes no signals, and its name tells whose it is; Linux allows names
/// of 15 characters.
template <class Run>
[[nodiscard]] std::thread library_thread(const char* name, Run run) {
  const SignalsBlocked blocked;
  std::thread thread{std::move(run)};
  pthread_setname_np(thread.native_handle(), name);
  return thread;
}

}  // namespace memctl
