// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Exceptions below and above the C interface: an error value, and nothing crosses.
#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <new>
#include <stdexcept>
#include <vector>

#include "c_host.hpp"
#include "memctl/memctl.h"
#include "support/sanitizers.hpp"

#ifndef MEMCTL_NO_OWN_NEW
namespace {

/// How many allocations of this thread succeed before one fails. Negative: all of them.
thread_local int allocations_left = -1;

void* allocate(std::size_t size) {
  if (allocations_left == 0) {
    allocations_left = -1;
    throw std::bad_alloc{};
  }
  if (allocations_left > 0) --allocations_left;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc{};
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t /*size*/) noexcept { std::free(memory); }
#endif

namespace memctl {
namespace {

[[noreturn]] void throw_event(const memctl_event* /*event*/, void* /*data*/) {
  throw std::runtime_error{"out of luck"};
}
[[noreturn]] void throw_end(void* /*data*/) { throw 42; }
[[noreturn]] void throw_line(const memctl_log_line* /*line*/, void* /*data*/) {
  throw std::runtime_error{"out of paper"};
}

TEST_F(CHost, AnExceptionOfACallbackDoesNotCross) {
  auto noisy = sized<memctl_host_options>();
  noisy.on_log = throw_line;
  noisy.log_data_free = throw_end;
  open(&noisy);
  ASSERT_EQ(cause_of(memctl_queue_open(&queue)), good);
  auto options = sized<memctl_resize_options>();
  options.on_event = throw_event;
  options.event_data_free = throw_end;
  EXPECT_EQ(cause_of(memctl_operation_wait(start(&options))), MEMCTL_CAUSE_CANCELLED);
  options.event_queue = queue;
  memctl_operation* operation = start(&options);
  std::atomic<int> ended = 0;
  EXPECT_EQ(cause_of(memctl_operation_on_end(operation, nullptr, throw_end, nullptr, nullptr)),
            good);
  EXPECT_EQ(cause_of(memctl_operation_wait(operation)), good);
  EXPECT_EQ(cause_of(memctl_operation_on_end(operation, queue, count, &ended, nullptr)), good);
  int threw = 0;
  while (ended == 0) {
    const auto cause = cause_of(memctl_queue_dispatch(queue, nullptr));
    if (cause != good) {
      EXPECT_EQ(cause, MEMCTL_NO_CAUSE);
      ++threw;
    }
  }
  EXPECT_GT(threw, 0);
}

TEST_F(CHost, AnOnEventThatThrowsInALoopCancelsItsResize) {
  write("2");  // growing takes a second and more
  open();
  ASSERT_EQ(cause_of(memctl_queue_open(&queue)), good);
  auto options = sized<memctl_resize_options>();
  options.on_event = throw_event;
  options.event_queue = queue;
  memctl_operation* operation = start(&options, 4 << 20);
  std::atomic<int> ended = 0;
  EXPECT_EQ(cause_of(memctl_operation_on_end(operation, queue, count, &ended, nullptr)), good);
  int threw = 0;
  pollfd ready{.fd = memctl_queue_fd(queue), .events = POLLIN, .revents = 0};
  while (ended == 0 && ::poll(&ready, 1, 60'000) == 1) {
    if (cause_of(memctl_queue_dispatch(queue, nullptr)) == MEMCTL_NO_CAUSE) ++threw;
  }
  EXPECT_EQ(threw, 1);
  EXPECT_EQ(cause_of(memctl_operation_wait(operation)), MEMCTL_CAUSE_CANCELLED);
}

TEST_F(CHost, TheDataOfACallbackIsFreedOnceAlsoIfTheCallFails) {
  open();
  std::atomic<int> freed = 0;
  auto options = sized<memctl_resize_options>();
  options.on_event = on_event;
  options.event_data = &freed;
  options.event_data_free = count;
  memctl_operation* operation = nullptr;
  EXPECT_NE(cause_of(memctl_domain_start_resize(nullptr, 0, 0, &options, &operation)), good);
  EXPECT_EQ(freed, 1);
  EXPECT_NE(cause_of(memctl_domain_start_resize(domain, 0, 0, &options, nullptr)), good);
  EXPECT_EQ(freed, 2);
  EXPECT_EQ(cause_of(memctl_operation_wait(start(&options))), good);
  EXPECT_NE(cause_of(memctl_operation_on_end(nullptr, nullptr, on_end, &freed, count)), good);
  memctl_host_close(host);
  EXPECT_EQ(freed, 4);
}

#ifndef MEMCTL_NO_OWN_NEW
TEST_F(CHost, AnyAllocationThatFailsIsAnErrorValue) {
  open();
  ASSERT_EQ(cause_of(memctl_queue_open(&queue)), good);
  auto options = sized<memctl_resize_options>();
  std::atomic<int> freed = 0;
  options.on_event = on_event;
  options.event_data = &freed;
  options.event_data_free = count;
  options.event_queue = queue;
  const std::vector<std::function<memctl_error*()>> calls{
      [&] {
        memctl_identities* all = nullptr;
        auto* error = memctl_host_domains(host, &all);
        memctl_identities_free(all);
        return error;
      },
      [&] {
        memctl_status* status = nullptr;
        auto* error = memctl_domain_status(domain, nullptr, &status);
        memctl_status_free(status);
        return error;
      },
      [&] {
        memctl_operation* operation = nullptr;
        auto* error =
            memctl_domain_start_resize(domain, MEMCTL_SIZE_RELATIVE, 0, &options, &operation);
        allocations_left = -1;
        if (operation) {
          EXPECT_EQ(cause_of(memctl_operation_wait(operation)), good);
        }
        memctl_operation_close(operation);
        return error;
      },
      [&] {
        memctl_size_kind kind = 0;
        std::int64_t kib = 0;
        return memctl_parse_size("4 elephants of memory, or more", &kind, &kib);
      },
  };
  int begun = 0;
  for (const auto& call : calls) {
    int failed = 0;
    for (int succeed = 0;; ++succeed) {
      ASSERT_LT(succeed, 10'000);
      allocations_left = succeed;
      memctl_error* error = call();
      const bool all_succeeded = allocations_left >= 0;
      allocations_left = -1;
      const bool no_memory = error && error->cause == MEMCTL_CAUSE_NOT_PERMITTED && error->has_raw;
      failed += no_memory ? 1 : 0;
      memctl_error_free(error);
      if (all_succeeded || (&call == &calls[2] && !no_memory)) break;
      EXPECT_TRUE(no_memory || &call == &calls[3]) << succeed;
    }
    EXPECT_GT(failed, 0) << begun;
    ++begun;
  }
  memctl_host_close(host);  // events in the queue still hold the data
  memctl_queue_close(queue);
  EXPECT_GT(freed, 0);
}
#endif

}  // namespace
}  // namespace memctl
