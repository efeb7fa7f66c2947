// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <unordered_set>
#include <utility>
#include <vector>

#include "api/runner.hpp"
#include "memctl/error.hpp"
#include "memctl/operation.hpp"
#include "resize/operation.hpp"
#include "resize/turns.hpp"

namespace memctl {

/// A resize and its waiting callers. The host's thread runs it; any thread may hold it. Programs
/// cannot use it, so it is hidden although `Operation` is not.
struct __attribute__((visibility("hidden"))) Operation::State {
  State(HostState& host, DomainIdentity domain, SizeRequest size, ResizeOptions options);

  /// Exists until the operation has ended. Only the host's thread uses it, because its watches
  /// belong to that thread.
  std::optional<resize::ResizeOperation> operation;
  std::promise<Result<Report>> promise;
  std::shared_future<Result<Report>> ended;
  std::vector<std::function<void()>> listeners;  ///< Only the host's thread uses them.
  bool has_ended{false};                         ///< Only the host's thread uses it.
};

/// A host, its runner, and the operations under way on it. Thread-safe.
class HostState : public std::enable_shared_from_this<HostState> {
 public:
  [[nodiscard]] static std::shared_ptr<HostState> over(std::unique_ptr<Runner> runner);
  HostState(const HostState&) = delete;
  HostState& operator=(const HostState&) = delete;
  ~HostState();

  /// Runs the coroutine that `make(port)` returns on the host's context, and blocks until it has
  /// returned its result.
  template <class Make>
  auto call(Make make) {
    const auto ended = begin(std::ref(make));
    await(ended);
    return ended.get();
  }

  /// The same, but returns at once. The returned function blocks until the result is there, and
  /// returns it. `make` must own what its coroutine uses.
  template <class Make>
  auto ask(Make make) {
    return [self = shared_from_this(), ended = begin(std::move(make))] {
      self->await(ended);
      return ended.get();
    };
  }

  /// The turns of the recoveries under way. Only the host's thread uses them.
  [[nodiscard]] resize::Turns& turns() { return turns_; }

  [[nodiscard]] std::shared_ptr<Operation::State> start(DomainIdentity domain, SizeRequest size,
                                                        ResizeOptions options);
  [[nodiscard]] Result<Report> wait(const Operation::State& operation);
  void cancel(std::shared_ptr<Operation::State> operation);
  void on_end(std::shared_ptr<Operation::State> operation, std::function<void()> then);

 private:
  friend struct Operation::State;
  explicit HostState(std::unique_ptr<Runner> runner) : runner_{std::move(runner)} {}
  static void end(HostState* state);
  template <class Future>
  [[nodiscard]] static bool is_ready(const Future& ended) {
    return ended.wait_for(std::chrono::seconds{0}) == std::future_status::ready;
  }
  /// Starts the coroutine that `make(port)` returns. `make` lives until the coroutine has ended.
  template <class Make>
  auto begin(Make make) {
    using Ended = typename decltype(make(std::declval<host::Port&>()))::value_type;
    // Shared, because the setter may still be inside the promise when the waiting thread returns.
    auto promise = std::make_shared<std::promise<Ended>>();
    auto ended = promise->get_future().share();
    spawn(
        [this, make = std::move(make), promise]() mutable -> boost::asio::awaitable<void> {
          promise->set_value(co_await make(port()));
        },
        [promise](const std::exception_ptr& thrown) {
          if (thrown) promise->set_exception(thrown);
        });
    return ended;
  }
  template <class Future>
  void await(const Future& ended) {
    runner_->run_until([&] { return is_ready(ended); });
  }
  /// Starts a coroutine on the host's context. If the coroutine throws, which is a bug of ours,
  /// `then` gets the exception.
  template <class Coroutine, class Then>
  void spawn(Coroutine coroutine, Then then) {
    boost::asio::co_spawn(context(), std::move(coroutine), std::move(then));
  }
  /// Ends an operation. `keep` sets its promise.
  template <class Keep>
  void end_operation(const std::shared_ptr<Operation::State>& operation, Keep keep);
  [[nodiscard]] boost::asio::io_context& context() { return runner_->context(); }
  [[nodiscard]] host::Port& port() { return runner_->port(); }

  /// Only the host's thread uses it.
  std::unordered_set<std::shared_ptr<Operation::State>> running_;
  resize::Turns turns_;
  /// The last member, because its destructor waits for the operations in `running_`.
  std::unique_ptr<Runner> runner_;
};

}  // namespace memctl
