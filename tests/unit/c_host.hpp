// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>

#include "memctl/memctl.h"
#include "simulated_host.hpp"

namespace memctl {

inline constexpr memctl_cause good = -1;

/// The cause of an error, which it frees.
inline memctl_cause cause_of(memctl_error* error) {
  const memctl_cause cause = error ? error->cause : good;
  memctl_error_free(error);
  return cause;
}

/// A struct with its size, and everything else zero.
template <class Struct>
Struct sized() {
  Struct made{};
  made.size = sizeof made;
  return made;
}

/// A simulated host through the C interface.
class CHost : public SimulatedHost {
 protected:
  void open(const memctl_host_options* options = nullptr) {
    ASSERT_EQ(cause_of(memctl_host_open(uri().c_str(), options, &host)), good);
    ASSERT_EQ(cause_of(memctl_host_find(host, "g0", &domain)), good);
  }
  ~CHost() override {
    memctl_host_close(host);
    memctl_queue_close(queue);
  }
  memctl_operation* start(const memctl_resize_options* options = nullptr,
                          std::int64_t kib = 1 << 20) const {
    memctl_operation* operation = nullptr;
    EXPECT_EQ(cause_of(memctl_domain_start_resize(domain, MEMCTL_SIZE_ABSOLUTE, kib, options,
                                                  &operation)),
              good);
    return operation;
  }

  memctl_host* host{};
  memctl_domain* domain{};
  memctl_queue* queue{};
};

inline void on_event(const memctl_event* /*event*/, void* /*data*/) {}
inline void on_change(const memctl_change* /*change*/, void* /*data*/) {}
inline void on_end(void* /*data*/) {}
inline void count(void* data) { ++*static_cast<std::atomic<int>*>(data); }

}  // namespace memctl
