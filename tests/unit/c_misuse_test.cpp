// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The C interface, used wrongly: an error value, never a crash, and no exception.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include "c_host.hpp"
#include "memctl/memctl.h"

namespace memctl {
namespace {

TEST_F(CHost, ClosingAHostClosesWhatCameFromItAndCancels) {
  write("1");
  open();
  memctl_operation* operation = start(nullptr, 2 << 20);
  std::promise<void> waits;
  auto cause = std::async(std::launch::async, [&] {
    waits.set_value();
    return cause_of(memctl_operation_wait(operation));
  });
  waits.get_future().wait();
  memctl_host_close(host);
  const memctl_cause ended = cause.get();
  EXPECT_TRUE(ended == MEMCTL_CAUSE_CANCELLED || ended == MEMCTL_CAUSE_INVALID_ARGUMENT) << ended;
  memctl_status* status = nullptr;
  EXPECT_EQ(cause_of(memctl_domain_status(domain, nullptr, &status)),
            MEMCTL_CAUSE_INVALID_ARGUMENT);
}

TEST_F(CHost, ClosingAHostRestoresTheGuestForWhichAnotherThreadBlocks) {
  write("1");
  std::string last;
  auto heard = sized<memctl_host_options>();
  heard.log_data = &last;
  heard.on_log = [](const memctl_log_line* line, void* data) {
    *static_cast<std::string*>(data) = line->message;
  };
  open(&heard);
  struct Moving {
    std::promise<void> memory{};
    bool told{false};
  } moving;
  auto options = sized<memctl_resize_options>();
  options.event_data = &moving;
  options.on_event = [](const memctl_event* event, void* data) {
    auto& it = *static_cast<Moving*>(data);
    if (event->phase != MEMCTL_PHASE_POPULATE || std::exchange(it.told, true)) return;
    it.memory.set_value();
  };
  auto cause = std::async(std::launch::async, [&] {
    memctl_report* report = nullptr;
    return cause_of(memctl_domain_resize(domain, MEMCTL_SIZE_ABSOLUTE, 8 << 20, &options, &report));
  });
  moving.memory.get_future().wait();
  memctl_host_close(host);
  EXPECT_TRUE(last.ends_with("(restored: cancelled)")) << last;
  EXPECT_EQ(cause.get(), MEMCTL_CAUSE_CANCELLED);
}

TEST_F(CHost, AStructOfAWrongSizeIsInvalid) {
  open();
  memctl_status* status = nullptr;
  struct Newer {
    memctl_question_options known{};
    std::int64_t unknown{};
  } options;
  const auto cause_with = [&](std::size_t size) {
    options.known.size = size;
    const auto cause = cause_of(memctl_domain_status(domain, &options.known, &status));
    memctl_status_free(status);
    return cause;
  };
  EXPECT_EQ(cause_with(sizeof options.known), good);
  EXPECT_EQ(cause_with(0), MEMCTL_CAUSE_INVALID_ARGUMENT);
  EXPECT_EQ(cause_with(sizeof options.known - 1), MEMCTL_CAUSE_INVALID_ARGUMENT);
  EXPECT_EQ(cause_with(SIZE_MAX), MEMCTL_CAUSE_INVALID_ARGUMENT);
  EXPECT_EQ(cause_with(sizeof options), good) << "a newer program that asks for nothing new";
  options.unknown = 1;
  EXPECT_EQ(cause_with(sizeof options), MEMCTL_CAUSE_INVALID_ARGUMENT);
}

TEST_F(CHost, NumbersWithoutAMeaningAreInvalid) {
  open();
  const auto cause_of_start = [&](const memctl_resize_options& options, memctl_size_kind kind,
                                  std::int64_t kib) {
    memctl_operation* operation = nullptr;
    const auto cause =
        cause_of(memctl_domain_start_resize(domain, kind, kib, &options, &operation));
    EXPECT_EQ(operation, nullptr);
    return cause;
  };
  const auto usual = sized<memctl_resize_options>();
  EXPECT_EQ(cause_of_start(usual, 2, 0), MEMCTL_CAUSE_INVALID_ARGUMENT);
  EXPECT_EQ(cause_of_start(usual, MEMCTL_SIZE_ABSOLUTE, INT64_MAX), MEMCTL_CAUSE_INVALID_SIZE);
  EXPECT_EQ(cause_of_start(usual, MEMCTL_SIZE_RELATIVE, INT64_MIN), MEMCTL_CAUSE_INVALID_SIZE);
  for (const auto& change : std::vector<std::function<void(memctl_resize_options&)>>{
           [](auto& options) { options.online = 7; },
           [](auto& options) { options.on_failure = -1; }, [](auto& options) { options.numa = 2; },
           [](auto& options) { options.timeout_ms = -1; },
           [](auto& options) { options.stall_ms = INT64_MIN; },
           [](auto& options) { options.host_reserve_kib = -2; }}) {
    memctl_resize_options options = usual;
    change(options);
    EXPECT_EQ(cause_of_start(options, MEMCTL_SIZE_ABSOLUTE, 1 << 20),
              MEMCTL_CAUSE_INVALID_ARGUMENT);
  }
  memctl_resize_options vast = usual;
  vast.timeout_ms = INT64_MAX;
  vast.stall_ms = INT64_MAX;
  memctl_operation* operation = start(&vast);
  bool done = false;
  EXPECT_EQ(cause_of(memctl_operation_wait_for(operation, INT64_MAX, &done)), good);
  EXPECT_TRUE(done);
  vast.host_reserve_kib = INT64_MAX;
  EXPECT_EQ(cause_of(memctl_operation_wait(start(&vast, 2 << 20))), MEMCTL_CAUSE_HOST_MEMORY);
}

TEST_F(CHost, NumaIsAskedForAndToldInStructs) {
  write_text(
      R"({"host":"8GiB","numa_nodes":2,
          "guests":[{"type":"pv","name":"g0","memory":"1GiB","numa_nodes":[1]}]})");
  open();
  auto question = sized<memctl_question_options>();
  memctl_plan* plan = nullptr;
  ASSERT_EQ(cause_of(memctl_domain_plan(domain, MEMCTL_SIZE_ABSOLUTE, 2 << 20, &question, &plan)),
            good);
  ASSERT_NE(plan->numa_forecast, nullptr);
  EXPECT_EQ(plan->numa_forecast->size, sizeof(memctl_numa_forecast));
  ASSERT_EQ(plan->numa_forecast->node_count, 1U);
  EXPECT_EQ(plan->numa_forecast->nodes[0], 1);
  EXPECT_EQ(plan->numa_forecast->local_kib, 1 << 20);
  memctl_plan_free(plan);
  const auto cause_of_5_gib = [&] {
    memctl_plan* made = nullptr;
    const auto cause =
        cause_of(memctl_domain_plan(domain, MEMCTL_SIZE_ABSOLUTE, 5 << 20, &question, &made));
    memctl_plan_free(made);
    return cause;
  };
  EXPECT_EQ(cause_of_5_gib(), good);
  question.numa = MEMCTL_NUMA_LOCAL;
  EXPECT_EQ(cause_of_5_gib(), MEMCTL_CAUSE_HOST_MEMORY);
  question.numa = MEMCTL_NUMA_ANY;
  auto policy = sized<memctl_policy>();
  policy.numa = MEMCTL_NUMA_LOCAL;
  EXPECT_EQ(cause_of(memctl_host_set_policy(host, &policy)), good);
  EXPECT_EQ(cause_of_5_gib(), MEMCTL_CAUSE_HOST_MEMORY);
  memctl_report* report = nullptr;
  ASSERT_EQ(cause_of(memctl_domain_resize(domain, MEMCTL_SIZE_ABSOLUTE, 2 << 20, nullptr, &report)),
            good);
  ASSERT_NE(report->numa_estimate, nullptr);
  EXPECT_EQ(report->numa_estimate->local_kib, 1 << 20);
  ASSERT_EQ(report->numa_estimate->change_count, 2U);
  EXPECT_EQ(report->numa_estimate->changes[1]->node, 1);
  EXPECT_EQ(report->numa_estimate->changes[1]->free_kib, -(1 << 20));
  memctl_report_free(report);
}

TEST_F(CHost, AnErrorSaysWhatWouldBeRight) {
  open();
  auto options = sized<memctl_resize_options>();
  options.online = 7;
  memctl_operation* operation = nullptr;
  memctl_error* error =
      memctl_domain_start_resize(domain, MEMCTL_SIZE_ABSOLUTE, 1 << 20, &options, &operation);
  ASSERT_NE(error, nullptr);
  EXPECT_STREQ(error->message, "online is 7, which has no meaning");
  EXPECT_STREQ(error->hint, "give MEMCTL_ZONE_KERNEL or MEMCTL_ZONE_MOVABLE");
  memctl_error_free(error);

  ASSERT_EQ(cause_of(memctl_domain_start_doctor(domain, nullptr, &operation)), good);
  memctl_report* report = nullptr;
  error = memctl_operation_report(operation, &report);
  ASSERT_NE(error, nullptr);
  EXPECT_STREQ(error->hint, "ask memctl_operation_findings for its answer");
  memctl_error_free(error);
}

TEST_F(CHost, ANullPointerForAnArgumentIsInvalid) {
  open();
  memctl_host* none = host;
  EXPECT_EQ(cause_of(memctl_host_open(nullptr, nullptr, &none)), MEMCTL_CAUSE_INVALID_ARGUMENT);
  EXPECT_EQ(none, nullptr);
  memctl_domain* found = domain;
  EXPECT_EQ(cause_of(memctl_host_find(host, nullptr, &found)), MEMCTL_CAUSE_INVALID_ARGUMENT);
  EXPECT_EQ(cause_of(memctl_host_domain(host, nullptr, &found)), MEMCTL_CAUSE_INVALID_ARGUMENT);
  EXPECT_EQ(found, nullptr);
  memctl_watch* watch = nullptr;
  EXPECT_EQ(cause_of(memctl_host_watch(host, nullptr, nullptr, nullptr, nullptr, &watch)),
            MEMCTL_CAUSE_INVALID_ARGUMENT);
  EXPECT_EQ(cause_of(memctl_operation_on_end(start(), nullptr, nullptr, nullptr, nullptr)),
            MEMCTL_CAUSE_INVALID_ARGUMENT);
  memctl_size_kind kind = 0;
  std::int64_t kib = 0;
  EXPECT_EQ(cause_of(memctl_parse_size(nullptr, &kind, &kib)), MEMCTL_CAUSE_INVALID_ARGUMENT);
  auto policy = sized<memctl_policy>();
  policy.domain_count = 1;
  EXPECT_EQ(cause_of(memctl_host_set_policy(host, &policy)), MEMCTL_CAUSE_INVALID_ARGUMENT);
  const memctl_domain_policy* entries[] = {nullptr};
  policy.domains = entries;
  EXPECT_EQ(cause_of(memctl_host_set_policy(host, &policy)), MEMCTL_CAUSE_INVALID_ARGUMENT);
  const auto nameless = sized<memctl_domain_policy>();
  entries[0] = &nameless;
  EXPECT_EQ(cause_of(memctl_host_set_policy(host, &policy)), MEMCTL_CAUSE_INVALID_ARGUMENT);
}

TEST_F(CHost, ACallbackMayCloseItsHost) {
  open();
  std::promise<void> closed;
  struct Closing {
    memctl_host* host;
    std::promise<void>* closed;
  } closing{host, &closed};
  const auto close = [](void* data) {
    const auto& it = *static_cast<Closing*>(data);
    memctl_host_close(it.host);
    it.closed->set_value();
  };
  ASSERT_EQ(cause_of(memctl_operation_on_end(start(), nullptr, close, &closing, nullptr)), good);
  closed.get_future().wait();
}

TEST_F(CHost, AWatchOutlivesItsQueueAndCallsNobody) {
  open();
  ASSERT_EQ(cause_of(memctl_queue_open(&queue)), good);
  std::atomic<int> freed = 0;
  memctl_watch* watch = nullptr;
  ASSERT_EQ(cause_of(memctl_host_watch(host, queue, on_change, &freed, count, &watch)), good);
  pollfd ready{.fd = memctl_queue_fd(queue), .events = POLLIN, .revents = 0};
  for (std::size_t told = 0, called = 0; told < domain_count; told += called) {
    ASSERT_EQ(::poll(&ready, 1, 60'000), 1);
    ASSERT_EQ(cause_of(memctl_queue_dispatch(queue, &called)), good);
  }
  memctl_findings* findings = nullptr;  // the host's thread finds them once it has left the queue
  ASSERT_EQ(cause_of(memctl_host_doctor(host, nullptr, &findings)), good);
  memctl_findings_free(findings);
  memctl_queue_close(queue);
  EXPECT_EQ(::fcntl(ready.fd, F_GETFD), -1) << "the watch does not keep it";
  EXPECT_EQ(cause_of(memctl_operation_wait(start())), good);
  EXPECT_EQ(freed, 0);
  memctl_watch_stop(watch);
  memctl_host_close(host);
  EXPECT_EQ(freed, 1);
}

TEST(CNumbers, NamesAreThoseOfJsonAndUnknownNumbersHaveNone) {
  EXPECT_STREQ(memctl_cause_name(MEMCTL_NO_CAUSE), "none");
  for (memctl_cause cause = 1; cause <= MEMCTL_CAUSE_HYPERVISOR_ERROR; ++cause) {
    EXPECT_EQ(memctl_cause_named(memctl_cause_name(cause)), cause);
  }
  for (const std::int32_t number : {-1, 37, INT32_MAX, INT32_MIN}) {
    EXPECT_STREQ(memctl_cause_name(number), "unknown");
    EXPECT_STREQ(memctl_phase_name(number), "unknown");
    EXPECT_STREQ(memctl_check_name(number), "unknown");
  }
  EXPECT_STREQ(memctl_outcome_name(MEMCTL_OUTCOME_KEPT), "kept");
  EXPECT_EQ(memctl_cause_named(nullptr), MEMCTL_NO_CAUSE);
}

}  // namespace
}  // namespace memctl
