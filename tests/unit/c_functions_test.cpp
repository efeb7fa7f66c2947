// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Every function of the C interface, used wrongly: an error value, never a crash and never a hang.
#include "c_functions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <fstream>
#include <future>
#include <iterator>
#include <limits>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/sanitizers.hpp"

namespace memctl {
namespace {

constexpr memctl_identity guest{
    .size = sizeof guest, .id = 1, .type = MEMCTL_DOMAIN_PV, .name = "g0", .uuid = ""};

/// A host with one handle of each kind. The operation is a resize.
class CFunctions : public CHost {
 protected:
  void open_all() {
    open();
    ASSERT_EQ(cause_of(memctl_queue_open(&queue)), good);
    ASSERT_EQ(cause_of(memctl_host_watch(host, nullptr, on_change, nullptr, nullptr, &watch)),
              good);
    memctl_domain* second = nullptr;
    ASSERT_EQ(cause_of(memctl_host_find(host, "g1", &second)), good);
    ASSERT_EQ(cause_of(memctl_domain_start_resize(second, MEMCTL_SIZE_ABSOLUTE, 2 << 20, nullptr,
                                                  &operation)),
              good);
  }
  [[nodiscard]] Given given() const {
    return {.host = host,
            .domain = domain,
            .operation = operation,
            .watch = watch,
            .queue = queue,
            .identity = &guest};
  }
  void close_all() {
    memctl_operation_close(operation);
    memctl_watch_stop(watch);
    memctl_domain_close(domain);
    memctl_host_close(host);
    memctl_queue_close(queue);
  }

  memctl_operation* operation{};
  memctl_watch* watch{};
};

/// Whether this answer of a call that waits means that it was refused. A resize has no answer of
/// another kind, which is told first.
testing::AssertionResult is_refused(const Function& function, memctl_cause cause) {
  if (cause == MEMCTL_CAUSE_NOT_PERMITTED) return testing::AssertionSuccess();
  constexpr std::array others{"memctl_operation_status", "memctl_operation_findings",
                              "memctl_operation_plan", "memctl_operation_recovery"};
  const bool of_another_kind = std::ranges::find(others, function.name) != others.end();
  if (of_another_kind && cause == MEMCTL_CAUSE_INVALID_ARGUMENT) return testing::AssertionSuccess();
  return testing::AssertionFailure() << function.name << ": " << memctl_cause_name(cause);
}

TEST(CFunctionTable, HasEveryFunctionThatTheLibraryExports) {
  std::vector<std::string> named = ending_functions();
  std::ranges::copy(telling_functions(), std::back_inserter(named));
  std::ranges::transform(functions(), std::back_inserter(named), &Function::name);
  std::ifstream list{MEMCTL_C_SYMBOLS};
  const std::vector<std::string> exported{std::istream_iterator<std::string>{list}, {}};
  EXPECT_THAT(named, testing::UnorderedElementsAreArray(exported));
}

TEST_F(CFunctions, ANullHandleIsInvalid) {
  for (const Function& function : functions()) {
    if (!function.takes_handle()) continue;
    EXPECT_EQ(function.call({.identity = &guest}), MEMCTL_CAUSE_INVALID_ARGUMENT) << function.name;
  }
  EXPECT_EQ(memctl_queue_fd(nullptr), -1);
}

TEST_F(CFunctions, NullIsClosedAndFreedWithoutHarm) {
  close_all();
  memctl_error_free(nullptr);
  memctl_identity_free(nullptr);
  memctl_identities_free(nullptr);
  memctl_status_free(nullptr);
  memctl_plan_free(nullptr);
  memctl_findings_free(nullptr);
  memctl_report_free(nullptr);
  memctl_recovery_free(nullptr);
}

TEST_F(CFunctions, AClosedHandleIsInvalidAndStaysSo) {
  open_all();
  close_all();
  close_all();
  memctl_host* another = nullptr;
  ASSERT_EQ(cause_of(memctl_host_open(uri().c_str(), nullptr, &another)), good);
  for (const Function& function : functions()) {
    if (!function.takes_handle()) continue;
    EXPECT_EQ(function.call(given()), MEMCTL_CAUSE_INVALID_ARGUMENT) << function.name;
  }
  EXPECT_EQ(memctl_queue_fd(queue), -1);
  memctl_host_close(another);
}

TEST_F(CFunctions, AHandleOfAnotherKindIsInvalidAndStaysOpen) {
  write("1");
  open_all();
  const std::array<void*, 5> all{host, domain, operation, watch, queue};
  for (void* other : all) {
    Given wrong = given();
    if (other != host) wrong.host = static_cast<memctl_host*>(other);
    if (other != domain) wrong.domain = static_cast<memctl_domain*>(other);
    if (other != operation) wrong.operation = static_cast<memctl_operation*>(other);
    if (other != queue) wrong.queue = static_cast<memctl_queue*>(other);
    for (const Function& function : functions()) {
      const bool takes_wrong = (function.takes_host && other != host) ||
                               (function.takes_domain && other != domain) ||
                               (function.takes_operation && other != operation) ||
                               (function.takes_queue && other != queue);
      if (!takes_wrong) continue;
      EXPECT_EQ(function.call(wrong), MEMCTL_CAUSE_INVALID_ARGUMENT) << function.name;
    }
    if (other != host) memctl_host_close(wrong.host);
    if (other != domain) memctl_domain_close(wrong.domain);
    if (other != operation) memctl_operation_close(wrong.operation);
    if (other != watch) memctl_watch_stop(static_cast<memctl_watch*>(other));
    if (other != queue) memctl_queue_close(wrong.queue);
  }
  bool done = true;
  memctl_identity* identity = nullptr;
  EXPECT_EQ(cause_of(memctl_host_set_policy(host, nullptr)), good);
  EXPECT_EQ(cause_of(memctl_domain_identity(domain, &identity)), good);
  EXPECT_EQ(cause_of(memctl_operation_done(operation, &done)), good);
  EXPECT_FALSE(done);
  EXPECT_GE(memctl_queue_fd(queue), 0);
  memctl_identity_free(identity);
}

TEST_F(CFunctions, ANumberThatWasNeverAHandleIsInvalid) {
  for (const std::uintptr_t number : {std::uintptr_t{1}, std::uintptr_t{0x10000}, UINTPTR_MAX}) {
    const Given wrong{.host = reinterpret_cast<memctl_host*>(number),
                      .domain = reinterpret_cast<memctl_domain*>(number),
                      .operation = reinterpret_cast<memctl_operation*>(number),
                      .queue = reinterpret_cast<memctl_queue*>(number),
                      .identity = &guest};
    for (const Function& function : functions()) {
      if (!function.takes_handle()) continue;
      EXPECT_EQ(function.call(wrong), MEMCTL_CAUSE_INVALID_ARGUMENT) << function.name;
    }
    EXPECT_EQ(memctl_queue_fd(wrong.queue), -1);
    memctl_host_close(wrong.host);
    memctl_domain_close(wrong.domain);
    memctl_operation_close(wrong.operation);
    memctl_watch_stop(reinterpret_cast<memctl_watch*>(number));
    memctl_queue_close(wrong.queue);
  }
}

TEST_F(CFunctions, NoPlaceForTheResultIsInvalid) {
  open_all();
  Given nowhere = given();
  nowhere.has_place = false;
  for (const Function& function : functions()) {
    if (!function.has_result) continue;
    EXPECT_EQ(function.call(nowhere), MEMCTL_CAUSE_INVALID_ARGUMENT) << function.name;
  }
}

TEST_F(CFunctions, AStructOfAWrongSizeIsInvalid) {
  open_all();
  for (const std::size_t size : {std::size_t{0}, std::size_t{7}, std::size_t{16}, std::size_t{4097},
                                 std::numeric_limits<std::size_t>::max()}) {
    auto host_options = sized<memctl_host_options>();
    auto policy = sized<memctl_policy>();
    auto question = sized<memctl_question_options>();
    auto resize = sized<memctl_resize_options>();
    auto entry = sized<memctl_domain_policy>();
    auto identity = guest;
    host_options.size = policy.size = question.size = resize.size = entry.size = identity.size =
        size;
    Given wrong = given();
    wrong.host_options = &host_options;
    wrong.policy = &policy;
    wrong.question = &question;
    wrong.resize = &resize;
    wrong.identity = &identity;
    for (const Function& function : functions()) {
      if (!function.takes_struct) continue;
      EXPECT_EQ(function.call(wrong), MEMCTL_CAUSE_INVALID_ARGUMENT) << function.name << size;
    }
    // The structs inside of structs have sizes of their own.
    entry.name = "g0";
    const memctl_domain_policy* const entries[] = {&entry};
    auto outer = sized<memctl_policy>();
    outer.domain_count = 1;
    outer.domains = entries;
    EXPECT_EQ(cause_of(memctl_host_set_policy(host, &outer)), MEMCTL_CAUSE_INVALID_ARGUMENT);
    auto with_policy = sized<memctl_host_options>();
    with_policy.policy = &policy;
    memctl_host* none = nullptr;
    EXPECT_EQ(cause_of(memctl_host_open("sim:", &with_policy, &none)),
              MEMCTL_CAUSE_INVALID_ARGUMENT);
  }
}

/// What a callback finds when it calls every function.
struct CallsBack {
  Given given{};
  bool called{false};
  std::promise<std::vector<std::pair<Function, memctl_cause>>> found{};
};

void call_everything(const memctl_event* /*event*/, void* data) {
  auto& inside = *static_cast<CallsBack*>(data);
  if (std::exchange(inside.called, true)) return;
  std::vector<std::pair<Function, memctl_cause>> found;
  for (const Function& function : functions()) {
    found.emplace_back(function, function.call(inside.given));
  }
  inside.found.set_value(std::move(found));
}

TEST_F(CFunctions, ACallbackIsRefusedWhatWaitsAndNothingElse) {
  write("1");  // no resize has ended by then
  open_all();
  CallsBack inside{.given = given()};
  auto options = sized<memctl_resize_options>();
  options.on_event = call_everything;
  options.event_data = &inside;
  memctl_domain* third = nullptr;
  memctl_operation* calling = nullptr;
  ASSERT_EQ(cause_of(memctl_host_find(host, "g2", &third)), good);
  ASSERT_EQ(cause_of(memctl_domain_start_resize(third, MEMCTL_SIZE_ABSOLUTE, 2 << 20, &options,
                                                &calling)),
            good);
  for (const auto& [function, cause] : inside.found.get_future().get()) {
    if (function.waits == Waits::yes) {
      EXPECT_TRUE(is_refused(function, cause));
    } else {
      EXPECT_NE(cause, MEMCTL_CAUSE_NOT_PERMITTED) << function.name;
    }
  }
  memctl_host_close(host);  // no event comes any more, so `inside` may end
}

TEST_F(CFunctions, AnyThreadMayCallAnythingWhileAnotherCloses) {
  open_all();
  std::atomic<int> calls = 0;
  std::vector<std::thread> threads;
  for (int each = 0; each < 4; ++each) {
    threads.emplace_back([&] {
      for (int turn = 0; turn < 5; ++turn) {
        for (const Function& function : functions()) {
          static_cast<void>(function.call(given()));
          ++calls;
        }
      }
    });
  }
  while (calls < 150) std::this_thread::yield();
  close_all();
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(cause_of(memctl_host_set_policy(host, nullptr)), MEMCTL_CAUSE_INVALID_ARGUMENT);
}

#ifndef MEMCTL_NO_WORK_AFTER_FORK
TEST_F(CFunctions, AForkedChildIsRefusedAtOnceAndHarmsNothing) {
  write("1");
  open_all();
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(30);
    bool all = true;
    for (const Function& function : functions()) {
      const memctl_cause cause = function.call(given());
      if (function.waits == Waits::yes) all = all && is_refused(function, cause);
    }
    memctl_host_close(host);
    ::_exit(all ? 0 : 1);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  bool done = true;
  EXPECT_EQ(cause_of(memctl_operation_done(operation, &done)), good);
  EXPECT_FALSE(done) << "the child cancelled nothing";
}
#endif

}  // namespace
}  // namespace memctl
