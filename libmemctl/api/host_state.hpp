// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_set>
#include <utility>

#include "api/answer.hpp"
#include "api/runner.hpp"
#include "memctl/error.hpp"
#include "memctl/operation.hpp"
#include "memctl/pending.hpp"
#include "resize/operation.hpp"
#include "resize/turns.hpp"

namespace memctl {

/// A resize and its waiting callers. The host's thread runs it; any thread may hold it. Programs
/// cannot use it, so it is hidden although `Operation` is not.
struct __attribute__((visibility("hidden"))) Operation::State : Answer<Report> {
  explicit State(DomainIdentity of) : domain{std::move(of)} {}

  const DomainIdentity domain;
  /// Exists from its start until the operation has ended. Only the host's thread uses it, because
  /// its watches belong to that thread.
  std::optional<resize::ResizeOperation> operation{};
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
    return wait(*begin(std::ref(make)));
  }

  /// The same, but returns at once. `make` must own what its coroutine uses.
  template <class Make>
  auto ask(Make make) {
    return pending(begin(std::move(make)));
  }

  /// The turns of the recoveries under way. Only the host's thread uses them.
  [[nodiscard]] resize::Turns& turns() { return turns_; }

  [[nodiscard]] std::shared_ptr<Operation::State> start(DomainIdentity domain, SizeRequest size,
                                                        ResizeOptions options);
  void cancel(std::shared_ptr<Operation::State> operation);

  /// Blocks until the answer is there.
  template <class T>
  [[nodiscard]] Result<T> wait(const Answer<T>& answer) {
    runner_->run_until([&] { return answer.is_there(); });
    return answer.ended.get();
  }
  template <class T>
  [[nodiscard]] std::optional<Result<T>> wait_for(const Answer<T>& answer,
                                                  std::chrono::milliseconds time) {
    if (answer.ended.wait_for(time) != std::future_status::ready) return std::nullopt;
    return answer.ended.get();
  }
  template <class T>
  void on_end(std::shared_ptr<Answer<T>> answer, std::function<void()> then) {
    boost::asio::post(context(), [answer = std::move(answer), then = std::move(then)]() mutable {
      answer->listeners.add(std::move(then));
    });
  }

 private:
  template <class T>
  class Asked;
  explicit HostState(std::unique_ptr<Runner> runner) : runner_{std::move(runner)} {}
  static void end(HostState* state);
  /// The answer of the coroutine that `make(port)` returns. `make` lives until the coroutine has
  /// ended.
  template <class Make>
  auto begin(Make make) {
    using T = typename decltype(make(std::declval<host::Port&>()))::value_type::value_type;
    // Shared, because the setter may still be inside the promise when the waiting thread returns.
    auto answer = std::make_shared<Answer<T>>();
    spawn(
        [this, make = std::move(make), answer]() mutable -> boost::asio::awaitable<void> {
          answer->give(co_await make(port()));
        },
        [answer](const std::exception_ptr& thrown) {
          if (thrown) answer->give_up(thrown);
        });
    return answer;
  }
  template <class T>
  [[nodiscard]] Pending<T> pending(std::shared_ptr<Answer<T>> answer) {
    return Pending<T>{std::make_shared<Asked<T>>(shared_from_this(), std::move(answer))};
  }
  /// Starts a coroutine on the host's context, never within this call. If the coroutine throws,
  /// which is a bug of ours, `then` gets the exception.
  template <class Coroutine, class Then>
  void spawn(Coroutine coroutine, Then then) {
    boost::asio::post(context(),
                      [this, coroutine = std::move(coroutine), then = std::move(then)]() mutable {
                        boost::asio::co_spawn(context(), std::move(coroutine), std::move(then));
                      });
  }
  void leave(const std::shared_ptr<Operation::State>& operation);
  [[nodiscard]] boost::asio::io_context& context() { return runner_->context(); }
  [[nodiscard]] host::Port& port() { return runner_->port(); }

  /// Only the host's thread uses it.
  std::unordered_set<std::shared_ptr<Operation::State>> running_;
  resize::Turns turns_;
  /// The last member, because its destructor waits for the operations in `running_`.
  std::unique_ptr<Runner> runner_;
};

/// What a `Pending` holds.
template <class T>
class HostState::Asked final : public Pending<T>::State {
 public:
  Asked(std::shared_ptr<HostState> host, std::shared_ptr<Answer<T>> answer)
      : host_{std::move(host)}, answer_{std::move(answer)} {}

  [[nodiscard]] bool done() const override { return answer_->is_there(); }
  [[nodiscard]] Result<T> wait() const override { return host_->wait(*answer_); }
  [[nodiscard]] std::optional<Result<T>> wait_for(std::chrono::milliseconds time) const override {
    return host_->wait_for(*answer_, time);
  }
  void on_end(std::function<void()> then) const override {
    host_->on_end(answer_, std::move(then));
  }

 private:
  std::shared_ptr<HostState> host_;
  std::shared_ptr<Answer<T>> answer_;
};

}  // namespace memctl
