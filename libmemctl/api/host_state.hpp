// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
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
#include <vector>

#include "api/answer.hpp"
#include "api/log.hpp"
#include "api/runner.hpp"
#include "base/event_caller.hpp"
#include "base/finite.hpp"
#include "base/process_number.hpp"
#include "memctl/error.hpp"
#include "memctl/host.hpp"
#include "memctl/of_domain.hpp"
#include "memctl/operation.hpp"
#include "memctl/pending.hpp"
#include "resize/domain_watcher.hpp"
#include "resize/operation.hpp"
#include "resize/question.hpp"
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
  /// Calls its on_event until it has ended. Only the host's thread uses this pointer.
  std::shared_ptr<EventCaller> events{};
};

/// A watch. Its end ends the watcher, which the host's thread runs.
struct __attribute__((visibility("hidden"))) DomainWatch::State {
  State(std::shared_ptr<HostState> on, std::shared_ptr<resize::DomainWatcher> told_by)
      : host{std::move(on)}, watcher{std::move(told_by)} {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State();

  const std::shared_ptr<HostState> host;
  std::shared_ptr<resize::DomainWatcher> watcher;
};

/// A host, its runner, and the operations under way on it. Thread-safe.
class HostState : public std::enable_shared_from_this<HostState> {
 public:
  [[nodiscard]] static std::shared_ptr<HostState> over(std::unique_ptr<Runner> runner,
                                                       HostOptions options = {});
  HostState(const HostState&) = delete;
  HostState& operator=(const HostState&) = delete;
  ~HostState();

  /// What a coroutine that returns a `Task` results in.
  template <class Task>
  using ResultOf = typename Task::value_type::value_type;

  /// Runs the coroutine that `make(port)` returns on the host's context, and blocks until it has
  /// returned its result. Errors: also those of `require_may_wait`.
  template <class Make>
  auto call(Make make) -> Result<ResultOf<decltype(make(std::declval<host::Port&>()))>> {
    BOOST_OUTCOME_TRY(require_may_wait());
    return wait(*begin(std::ref(make)));
  }

  /// The same, but returns at once. `make` must own what its coroutine uses.
  template <class Make>
  auto ask(Make make) {
    return pending(begin(std::move(make)));
  }

  /// Asks all guests at once. `make(port, guest)` returns the coroutine that asks one guest. A
  /// guest that ends meanwhile is left out.
  template <class Make>
  auto ask_all(Make make) {
    using T = ResultOf<decltype(make(std::declval<host::Port&>(), DomainIdentity{}))>;
    return ask(
        [this, make = std::move(make)](host::Port& all) -> host::Task<std::vector<OfDomain<T>>> {
          BOOST_OUTCOME_CO_TRY(const auto guests, co_await all.hypervisor().domains());
          std::vector<std::shared_ptr<Answer<T>>> answers;
          for (const DomainIdentity& guest : guests) {
            answers.push_back(begin([make, guest](host::Port& port) { return make(port, guest); }));
          }
          std::vector<OfDomain<T>> told;
          for (std::size_t each = 0; each < guests.size(); ++each) {
            if (!answers[each]->is_there()) co_await end_of(answers[each]->listeners);
            Result<T> result = answers[each]->ended.get();
            const bool ended = !result && result.error().cause == Cause::no_such_domain;
            if (!ended) told.push_back({guests[each], std::move(result)});
          }
          co_return told;
        });
  }

  /// Errors: `store_error`, and those of `require_may_wait`.
  [[nodiscard]] Result<DomainWatch> watch(std::function<void(const DomainChange&)> on_change);
  void stop(std::shared_ptr<resize::DomainWatcher> watcher);

  /// Replaces the policy for what begins later. Errors: those of `Policy::check`.
  [[nodiscard]] Result<void> set_policy(Policy policy);
  /// The reserve that the policy leaves of `asked`, and options and a question with the policy's
  /// bounds. Only the host's thread asks.
  [[nodiscard]] Kib reserve(Kib asked) const {
    return std::clamp(std::max(asked, policy_.host_reserve), Kib{}, vast_size);
  }
  [[nodiscard]] ResizeOptions bounded(ResizeOptions options) const;
  [[nodiscard]] resize::Question bounded(const DomainIdentity& domain,
                                         resize::Question question) const;

  [[nodiscard]] Pending<Recovery> recover(DomainIdentity domain, ResizeOptions options);

  [[nodiscard]] std::shared_ptr<Operation::State> start(DomainIdentity domain, SizeRequest size,
                                                        ResizeOptions options);
  void cancel(std::shared_ptr<Operation::State> operation);

  /// Waits for what `begin()` begins. Errors: also those of `require_may_wait`, and then nothing
  /// has begun.
  template <class Begin>
  auto wait_for_new(Begin begin) -> decltype(begin().wait()) {
    BOOST_OUTCOME_TRY(require_may_wait());
    return begin().wait();
  }
  /// Errors: `not_permitted` in a forked child, and on the host's thread, which would wait for
  /// itself.
  [[nodiscard]] Result<void> require_may_wait() const;
  /// Blocks until the answer is there. Errors: also those of `require_may_wait`.
  template <class T>
  [[nodiscard]] Result<T> wait(const Answer<T>& answer) {
    if (!answer.is_there()) {
      BOOST_OUTCOME_TRY(require_may_wait());
      runner_->run_until([&] { return answer.is_there(); });
    }
    return answer.ended.get();
  }
  template <class T>
  [[nodiscard]] std::optional<Result<T>> wait_for(const Answer<T>& answer,
                                                  std::chrono::milliseconds time) {
    if (!answer.is_there()) {
      if (auto may = require_may_wait(); !may) {
        // In place, because g++ 12 takes parts of a temporary result for uninitialized.
        return std::optional<Result<T>>{std::in_place, std::move(may).error()};
      }
      if (answer.ended.wait_for(finite(time)) != std::future_status::ready) return std::nullopt;
    }
    return answer.ended.get();
  }
  template <class T>
  void on_end(std::shared_ptr<Answer<T>> answer, std::function<void()> then) {
    if (is_forked()) return call_listener(then);
    boost::asio::post(
        context(), [this, answer = std::move(answer), then = std::move(then)]() mutable {
          answer->listeners.add([this, then = std::move(then)] { call_listener(then); });
        });
  }

 private:
  template <class T>
  class Asked;
  HostState(std::unique_ptr<Runner> runner, HostOptions options)
      : log_{std::move(options.on_log)},
        policy_{std::move(options.policy)},
        runner_{std::move(runner)} {}
  static void end(HostState* state);
  /// The answer of the coroutine that `make(port)` returns. `make` lives until the coroutine has
  /// ended.
  template <class Make>
  auto begin(Make make) {
    using T = ResultOf<decltype(make(std::declval<host::Port&>()))>;
    // Shared, because the setter may still be inside the promise when the waiting thread returns.
    auto answer = std::make_shared<Answer<T>>();
    if (auto own = require_own_process(); !own) {
      answer->give(std::move(own).error());
      return answer;
    }
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
  /// Waits on the host's context until the end of which `listeners` are told.
  [[nodiscard]] boost::asio::awaitable<void> end_of(Listeners& listeners);
  /// Whether this process is a forked child of the one that opened the host. The host's thread does
  /// not exist here, and the locks of its context may be held for ever.
  [[nodiscard]] bool is_forked() const { return process_number() != process_; }
  /// Errors: `not_permitted` in a forked child.
  [[nodiscard]] Result<void> require_own_process() const;
  void leave(const std::shared_ptr<Operation::State>& operation);
  /// Ends an operation whose on_event threw, on whichever thread that was.
  void end_for_throwing(std::weak_ptr<Operation::State> operation, std::string what);
  [[nodiscard]] boost::asio::io_context& context() const { return runner_->context(); }
  [[nodiscard]] host::Port& port() { return runner_->port(); }

  /// Calls `then`. Nothing can handle its exception, and it must not end the host's thread.
  void call_listener(const std::function<void()>& then) const;

  const int process_{process_number()};
  const Log log_;
  Policy policy_;  ///< Only the host's thread uses it.
  /// Only the host's thread uses it.
  std::unordered_set<std::shared_ptr<Operation::State>> running_;
  resize::Turns turns_;  ///< Of the recoveries under way. Only the host's thread uses them.
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
