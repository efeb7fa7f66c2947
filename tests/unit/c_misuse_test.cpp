// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The C interface, used wrongly: an error value, never a crash, and no exception.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <future>
#include <thread>
#include <utility>
#include <vector>

#include "c_host.hpp"
#include "memctl/memctl.h"
#include "support/sanitizers.hpp"

namespace memctl {
namespace {

/// The cause of every function that takes handles, with these.
std::vector<memctl_cause> causes_with(memctl_host* host, memctl_domain* domain,
                                      memctl_operation* operation, memctl_queue* queue) {
  memctl_identities* identities = nullptr;
  memctl_identity* identity = nullptr;
  memctl_domain* found = nullptr;
  memctl_operation* begun = nullptr;
  memctl_findings* findings = nullptr;
  memctl_status* status = nullptr;
  memctl_plan* plan = nullptr;
  memctl_report* report = nullptr;
  memctl_recovery* recovery = nullptr;
  memctl_watch* watch = nullptr;
  bool done = false;
  const memctl_identity known{
      .size = sizeof known, .id = 1, .type = MEMCTL_DOMAIN_PV, .name = "g0", .uuid = ""};
  const memctl_size_kind absolute = MEMCTL_SIZE_ABSOLUTE;
  return {cause_of(memctl_host_set_policy(host, nullptr)),
          cause_of(memctl_host_domains(host, &identities)),
          cause_of(memctl_host_find(host, "g0", &found)),
          cause_of(memctl_host_domain(host, &known, &found)),
          cause_of(memctl_host_doctor(host, nullptr, &findings)),
          cause_of(memctl_host_start_doctor(host, nullptr, &begun)),
          cause_of(memctl_host_watch(host, nullptr, on_change, nullptr, nullptr, &watch)),
          cause_of(memctl_domain_identity(domain, &identity)),
          cause_of(memctl_domain_status(domain, nullptr, &status)),
          cause_of(memctl_domain_doctor(domain, nullptr, &findings)),
          cause_of(memctl_domain_plan(domain, absolute, 1 << 20, nullptr, &plan)),
          cause_of(memctl_domain_resize(domain, absolute, 1 << 20, nullptr, &report)),
          cause_of(memctl_domain_recover(domain, nullptr, &recovery)),
          cause_of(memctl_domain_start_status(domain, nullptr, &begun)),
          cause_of(memctl_domain_start_doctor(domain, nullptr, &begun)),
          cause_of(memctl_domain_start_plan(domain, absolute, 1 << 20, nullptr, &begun)),
          cause_of(memctl_domain_start_resize(domain, absolute, 1 << 20, nullptr, &begun)),
          cause_of(memctl_domain_start_recovery(domain, nullptr, &begun)),
          cause_of(memctl_operation_done(operation, &done)),
          cause_of(memctl_operation_wait(operation)),
          cause_of(memctl_operation_wait_for(operation, 1, &done)),
          cause_of(memctl_operation_status(operation, &status)),
          cause_of(memctl_operation_findings(operation, &findings)),
          cause_of(memctl_operation_plan(operation, &plan)),
          cause_of(memctl_operation_report(operation, &report)),
          cause_of(memctl_operation_recovery(operation, &recovery)),
          cause_of(memctl_operation_cancel(operation)),
          cause_of(memctl_operation_on_end(operation, nullptr, on_end, nullptr, nullptr)),
          cause_of(memctl_queue_dispatch(queue, nullptr))};
}

void close_all(memctl_host* host, memctl_domain* domain, memctl_operation* operation,
               memctl_queue* queue) {
  memctl_operation_close(operation);
  memctl_domain_close(domain);
  memctl_host_close(host);
  memctl_queue_close(queue);
}

TEST_F(CHost, ANullHandleIsInvalid) {
  for (const auto cause : causes_with(nullptr, nullptr, nullptr, nullptr)) {
    EXPECT_EQ(cause, MEMCTL_CAUSE_INVALID_ARGUMENT);
  }
  EXPECT_EQ(memctl_queue_fd(nullptr), -1);
  close_all(nullptr, nullptr, nullptr, nullptr);
  memctl_watch_stop(nullptr);
  memctl_error_free(nullptr);
  memctl_report_free(nullptr);
}

TEST_F(CHost, AClosedHandleIsInvalidAndStaysSo) {
  open();
  ASSERT_EQ(cause_of(memctl_queue_open(&queue)), good);
  memctl_operation* operation = start();
  close_all(host, domain, operation, queue);
  close_all(host, domain, operation, queue);
  memctl_host* another = nullptr;
  ASSERT_EQ(cause_of(memctl_host_open(uri().c_str(), nullptr, &another)), good);
  for (const auto cause : causes_with(host, domain, operation, queue)) {
    EXPECT_EQ(cause, MEMCTL_CAUSE_INVALID_ARGUMENT);
  }
  EXPECT_EQ(memctl_queue_fd(queue), -1);
  memctl_host_close(another);
}

TEST_F(CHost, AHandleOfAnotherKindIsInvalid) {
  open();
  auto* as_host = reinterpret_cast<memctl_host*>(domain);
  auto* as_domain = reinterpret_cast<memctl_domain*>(host);
  for (const auto cause : causes_with(as_host, as_domain, nullptr, nullptr)) {
    EXPECT_EQ(cause, MEMCTL_CAUSE_INVALID_ARGUMENT);
  }
  memctl_host_close(as_host);
  memctl_domain_close(as_domain);
  EXPECT_EQ(cause_of(memctl_host_set_policy(host, nullptr)), good) << "still open";
}

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
           [](auto& options) { options.on_failure = -1; },
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

TEST_F(CHost, ANullPointerForTheResultOrAnArgumentIsInvalid) {
  open();
  memctl_host* none = host;
  EXPECT_EQ(cause_of(memctl_host_open(nullptr, nullptr, &none)), MEMCTL_CAUSE_INVALID_ARGUMENT);
  EXPECT_EQ(none, nullptr);
  EXPECT_EQ(cause_of(memctl_host_open("sim:", nullptr, nullptr)), MEMCTL_CAUSE_INVALID_ARGUMENT);
  EXPECT_EQ(cause_of(memctl_domain_status(domain, nullptr, nullptr)),
            MEMCTL_CAUSE_INVALID_ARGUMENT);
  memctl_operation* operation = start();
  EXPECT_EQ(cause_of(memctl_operation_done(operation, nullptr)), MEMCTL_CAUSE_INVALID_ARGUMENT);
  EXPECT_EQ(cause_of(memctl_operation_on_end(operation, nullptr, nullptr, nullptr, nullptr)),
            MEMCTL_CAUSE_INVALID_ARGUMENT);
  auto policy = sized<memctl_policy>();
  policy.domain_count = 1;
  auto options = sized<memctl_host_options>();
  options.policy = &policy;
  EXPECT_EQ(cause_of(memctl_host_open("sim:", &options, &none)), MEMCTL_CAUSE_INVALID_ARGUMENT);
}

struct Inside {
  memctl_host* host{};
  memctl_domain* domain{};
  memctl_operation* other{};
  bool asked{false};
  std::promise<std::vector<memctl_cause>> causes{};
};

void call_back(const memctl_event* /*event*/, void* data) {
  auto& inside = *static_cast<Inside*>(data);
  if (std::exchange(inside.asked, true)) return;
  memctl_report* report = nullptr;
  memctl_recovery* recovery = nullptr;
  memctl_status* status = nullptr;
  memctl_identities* identities = nullptr;
  memctl_operation* begun = nullptr;
  inside.causes.set_value(
      {cause_of(memctl_domain_resize(inside.domain, MEMCTL_SIZE_ABSOLUTE, 1, nullptr, &report)),
       cause_of(memctl_domain_recover(inside.domain, nullptr, &recovery)),
       cause_of(memctl_domain_status(inside.domain, nullptr, &status)),
       cause_of(memctl_host_domains(inside.host, &identities)),
       cause_of(memctl_operation_wait(inside.other)),
       cause_of(memctl_domain_start_status(inside.domain, nullptr, &begun))});
}

TEST_F(CHost, ACallbackThatCallsBackIsRefusedWhatWouldBlock) {
  write("1");
  open();
  memctl_domain* second = nullptr;
  ASSERT_EQ(cause_of(memctl_host_find(host, "g1", &second)), good);
  Inside inside{.host = host, .domain = second};
  ASSERT_EQ(cause_of(memctl_domain_start_resize(second, MEMCTL_SIZE_ABSOLUTE, 2 << 20, nullptr,
                                                &inside.other)),
            good);
  auto options = sized<memctl_resize_options>();
  options.on_event = call_back;
  options.event_data = &inside;
  start(&options, 2 << 20);
  const auto causes = inside.causes.get_future().get();
  memctl_host_close(host);  // no event comes any more, so `inside` may end
  const std::vector<memctl_cause> expected{MEMCTL_CAUSE_NOT_PERMITTED, MEMCTL_CAUSE_NOT_PERMITTED,
                                           MEMCTL_CAUSE_NOT_PERMITTED, MEMCTL_CAUSE_NOT_PERMITTED,
                                           MEMCTL_CAUSE_NOT_PERMITTED, good};
  EXPECT_EQ(causes, expected);
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
  const int descriptor = memctl_queue_fd(queue);
  memctl_queue_close(queue);
  EXPECT_EQ(::fcntl(descriptor, F_GETFD), -1) << "the watch does not keep it";
  EXPECT_EQ(cause_of(memctl_operation_wait(start())), good);
  EXPECT_EQ(freed, 0);
  memctl_watch_stop(watch);
  memctl_host_close(host);
  EXPECT_EQ(freed, 1);
}

TEST_F(CHost, AnyThreadMayCallAndCloseAtAnyTime) {
  open();
  std::vector<std::thread> threads;
  for (int each = 0; each < 6; ++each) {
    threads.emplace_back([&, each] {
      for (int turn = 0; turn < 20; ++turn) {
        memctl_domain* found = nullptr;
        memctl_status* status = nullptr;
        cause_of(memctl_host_find(host, guest_name(each).c_str(), &found));
        cause_of(memctl_domain_status(found, nullptr, &status));
        memctl_status_free(status);
        memctl_domain_close(found);
        cause_of(memctl_domain_status(domain, nullptr, &status));
        memctl_status_free(status);
        if (each == 0 && turn == 10) memctl_host_close(host);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(cause_of(memctl_host_set_policy(host, nullptr)), MEMCTL_CAUSE_INVALID_ARGUMENT);
}

#ifndef MEMCTL_NO_WORK_AFTER_FORK
TEST_F(CHost, AForkedChildIsRefusedAndHarmsNothing) {
  write("1");
  open();
  memctl_operation* operation = start(nullptr, 2 << 20);
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(30);
    bool refused = true;
    memctl_report* report = nullptr;
    memctl_status* status = nullptr;
    refused &=
        cause_of(memctl_domain_status(domain, nullptr, &status)) == MEMCTL_CAUSE_NOT_PERMITTED;
    refused &= cause_of(memctl_operation_wait(operation)) == MEMCTL_CAUSE_NOT_PERMITTED;
    refused &= cause_of(memctl_domain_resize(domain, MEMCTL_SIZE_ABSOLUTE, 1 << 20, nullptr,
                                             &report)) == MEMCTL_CAUSE_NOT_PERMITTED;
    memctl_host_close(host);
    ::_exit(refused ? 0 : 1);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  bool done = true;
  EXPECT_EQ(cause_of(memctl_operation_done(operation, &done)), good);
  EXPECT_FALSE(done) << "the child cancelled nothing";
}
#endif

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
