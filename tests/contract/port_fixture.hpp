// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>

#include "contract_host.hpp"

namespace memctl {

/// For GoogleTest's messages.
inline void PrintTo(Kib size, std::ostream* out) { *out << size.count() << " KiB"; }
inline void PrintTo(Pages pages, std::ostream* out) { *out << pages.count() << " pages"; }

}  // namespace memctl

namespace memctl::contract {

inline void PrintTo(const TestGuest& guest, std::ostream* out) { *out << guest.name; }

using namespace std::chrono_literals;

/// Whether the call failed with that cause; otherwise the test's message says what it did.
template <class T>
testing::AssertionResult failed_with(const Result<T>& result, Cause cause) {
  if (result) return testing::AssertionFailure() << "it succeeded";
  const Error& error = result.error();
  if (error.cause == cause) return testing::AssertionSuccess();
  return testing::AssertionFailure()
         << name(error.cause) << " (" << error.raw.value_or(0) << "): " << error.message;
}

template <class T>
testing::AssertionResult succeeded(const Result<T>& result) {
  if (result) return testing::AssertionSuccess();
  const Error& error = result.error();
  return testing::AssertionFailure()
         << name(error.cause) << " (" << error.raw.value_or(0) << "): " << error.message;
}

/// Each test has its own connection. Tests are not coroutines: they run each call to its end.
class PortTest : public testing::Test {
 protected:
  [[nodiscard]] host::Port& port() { return connection_->port(); }
  [[nodiscard]] host::Hypervisor& xen() { return port().hypervisor(); }
  [[nodiscard]] host::Store& store() { return port().store(); }
  [[nodiscard]] host::Clock& clock() { return port().clock(); }
  [[nodiscard]] boost::asio::io_context& context() { return context_; }

  template <class T>
  Result<T> run(host::Task<T> task) {
    std::optional<Result<T>> result;
    drive([](host::Task<T> waited, std::optional<Result<T>>& into) -> boost::asio::awaitable<void> {
      into.emplace(co_await std::move(waited));
    }(std::move(task), result));
    return std::move(*result);
  }

  /// Waits until `wakeup` is notified, at most for `limit`. Returns how long the wait took.
  host::Duration wait(host::Wakeup& wakeup, host::Duration limit) {
    const host::TimePoint begin = clock().now();
    drive(clock().wait(wakeup, begin + limit));
    return clock().now() - begin;
  }

  void pass(host::Duration duration) {
    host::Wakeup nobody;
    wait(nobody, duration);
  }

  /// Whether `condition` becomes true within `limit`. Checks it again and again.
  [[nodiscard]] bool eventually(const std::function<bool()>& condition,
                                host::Duration limit = 60s) {
    const host::TimePoint until = clock().now() + limit;
    while (!condition()) {
      if (clock().now() >= until) return false;
      pass(50ms);
    }
    return true;
  }

 private:
  void drive(boost::asio::awaitable<void> coroutine) {
    std::exception_ptr thrown;
    context_.restart();
    boost::asio::co_spawn(context_, std::move(coroutine), [&](const std::exception_ptr& exception) {
      thrown = exception;
      context_.stop();
    });
    connection_->run();
    if (thrown) std::rethrow_exception(thrown);
  }

  boost::asio::io_context context_{};
  std::unique_ptr<host::Connection> connection_{connect(context_).value()};
};

/// A test on each guest. Afterwards it restores the guest's limits and size, so every test of the
/// port shows that this is possible, too.
class GuestTest : public PortTest, public testing::WithParamInterface<TestGuest> {
 protected:
  void SetUp() override;
  void TearDown() override;

  [[nodiscard]] DomainId id() const { return before_.identity.id; }
  /// The guest's facts before the test, and now.
  [[nodiscard]] const DomainFacts& before() const { return before_; }
  [[nodiscard]] DomainFacts facts() { return run(xen().domain_facts(id())).value(); }
  [[nodiscard]] Kib size() const { return before_.size().value(); }
  [[nodiscard]] Kib limit() const { return before_.limit.value(); }
  [[nodiscard]] bool is_pv() const { return before_.identity.type == DomainType::pv; }

  /// Writes only the target: libxl's call would set max_pages as well.
  void tell_guest(Kib size) {
    const Kib target = size - before().video_ram;
    ASSERT_TRUE(succeeded(store().write(own("memory/target"), std::to_string(target.count()))));
  }
  [[nodiscard]] Pages allocated() { return xen().domain_memory(id()).value().allocated; }
  [[nodiscard]] Kib max_pages() { return xen().domain_memory(id()).value().max_pages; }
  /// A value in xenstore; empty if there is no such node.
  [[nodiscard]] std::string stored(const std::string& path) {
    return store().read(path).value().value_or("");
  }
  /// The path of `node` in the domain's directory of xenstore.
  [[nodiscard]] std::string own(const std::string& node) const {
    return "/local/domain/" + std::to_string(number(id())) + "/" + node;
  }

 private:
  DomainFacts before_{};
};

inline std::string type_of(const testing::TestParamInfo<TestGuest>& guest) {
  return std::string{name(guest.param.type)};
}

}  // namespace memctl::contract

/// Runs every test of `suite` on each guest.
#define MEMCTL_ON_EACH_GUEST(suite)                                                               \
  INSTANTIATE_TEST_SUITE_P(Guest, suite, testing::ValuesIn(memctl::contract::test_host().guests), \
                           memctl::contract::type_of)
