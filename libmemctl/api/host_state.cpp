// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/host_state.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <system_error>
#include <thread>

#include "base/thrown.hpp"
#include "resize/recover.hpp"

namespace memctl {
namespace {

std::function<void(const Event&)> calls_of(std::shared_ptr<EventCaller> caller) {
  return [caller = std::move(caller)](const Event& event) { caller->call(event); };
}

}  // namespace

void Listeners::add(std::function<void()> then) {
  if (told_) return then();
  waiting_.push_back(std::move(then));
}

void Listeners::tell() {
  told_ = true;
  for (const auto& then : std::exchange(waiting_, {})) then();
}

std::shared_ptr<HostState> HostState::over(std::unique_ptr<Runner> runner, HostOptions options) {
  return {new HostState{std::move(runner), std::move(options)}, end};
}

/// A listener on the host's thread may own the host and drop it there. That thread cannot wait for
/// itself, so another thread deletes the host. If the process may have no other thread now, the
/// host tries again. A forked child can delete nothing: the host's thread does not exist there.
void HostState::end(HostState* state) {
  if (state->is_forked()) return;
  if (!state->context().get_executor().running_in_this_thread()) {
    delete state;
    return;
  }
  try {
    std::thread{[state] { delete state; }}.detach();
  } catch (const std::system_error&) {
    const auto end_later = [state]() -> boost::asio::awaitable<void> {
      host::Wakeup nobody;
      host::Clock& clock = state->port().clock();
      co_await clock.wait(nobody, clock.now() + std::chrono::seconds{1});
      end(state);
    };
    state->spawn(end_later, [](const std::exception_ptr&) {});
  }
}

HostState::~HostState() {
  static_cast<void>(call([this](host::Port&) -> host::Task<void> {
    for (const auto& state : running_) state->operation->cancel();
    co_return success();
  }));
  runner_->run_until([this] { return running_.empty(); });
}

std::shared_ptr<Operation::State> HostState::start(DomainIdentity domain, SizeRequest size,
                                                   ResizeOptions options) {
  auto state = std::make_shared<Operation::State>(std::move(domain));
  if (auto own = require_own_process(); !own) {
    state->give(std::move(own).error());
    return state;
  }
  spawn(
      [this, state, size, options = std::move(options)]() mutable -> boost::asio::awaitable<void> {
        log_.begins(state->domain, size);
        if (options.on_event) {
          state->events = std::make_shared<EventCaller>(
              std::move(options.on_event),
              [this, weak = std::weak_ptr{state}](const std::string& what) {
                end_for_throwing(weak, what);
              });
          options.on_event = calls_of(state->events);
        }
        options.on_event = log_.following(state->domain, std::move(options.on_event));
        options = bounded(std::move(options));
        const auto question = bounded(state->domain, resize::question_of(options));
        state->operation.emplace(port(), state->domain, finite(size), std::move(options), question);
        running_.insert(state);
        const resize::Ending ended = co_await state->operation->run();
        leave(state);
        log_.ended(state->domain, size, *ended);
        state->give(std::move(*ended));
      },
      [this, state](const std::exception_ptr& thrown) {
        if (!thrown) return;
        leave(state);
        state->give_up(thrown);
      });
  return state;
}

/// Any thread may call it while the operation is under way.
void HostState::end_for_throwing(std::weak_ptr<Operation::State> operation, std::string what) {
  boost::asio::post(context(), [weak = std::move(operation), what = std::move(what)] {
    const auto state = weak.lock();
    if (state && state->operation) state->operation->on_event_threw(what);
  });
}

Pending<Recovery> HostState::recover(DomainIdentity domain, ResizeOptions options) {
  return ask([this, domain = std::move(domain),
              options = std::move(options)](host::Port& on) -> host::Task<Recovery> {
    ResizeOptions own = bounded(options);
    // Nothing ends a recovery early, so nobody hears that the on_event threw.
    if (own.on_event) {
      own.on_event = calls_of(std::make_shared<EventCaller>(std::move(own.on_event), nullptr));
    }
    auto recovered = co_await resize::recover(on, domain, std::move(own), &turns_);
    log_.recovered(domain, recovered);
    co_return recovered;
  });
}

DomainWatch::State::~State() { host->stop(std::move(watcher)); }

Result<DomainWatch> HostState::watch(std::function<void(const DomainChange&)> on_change) {
  using resize::DomainWatcher;
  const auto tell = [this, &on_change] {
    return [this, on_change = std::move(on_change)](const DomainChange& change) {
      call_listener([&] { on_change(change); });
    };
  };
  const auto begin_watching = [&,
                               this](host::Port& on) -> host::Task<std::shared_ptr<DomainWatcher>> {
    auto watcher = std::make_shared<DomainWatcher>(on, tell());
    BOOST_OUTCOME_CO_TRY(watcher->open());
    spawn([watcher]() -> boost::asio::awaitable<void> { co_await watcher->run(); },
          [](const std::exception_ptr&) {});
    co_return watcher;
  };
  BOOST_OUTCOME_TRY(auto watcher, call(begin_watching));
  return DomainWatch{std::make_shared<DomainWatch::State>(shared_from_this(), std::move(watcher))};
}

/// The watcher belongs to the host's thread, and has to end there.
void HostState::stop(std::shared_ptr<resize::DomainWatcher> watcher) {
  if (is_forked()) {  // it can end nowhere
    static_cast<void>(new std::shared_ptr<resize::DomainWatcher>{std::move(watcher)});
    return;
  }
  watcher->stop();
  boost::asio::post(context(), [watcher = std::move(watcher)] { watcher->wake(); });
}

Result<void> HostState::set_policy(Policy policy) {
  BOOST_OUTCOME_TRY(require_own_process());
  BOOST_OUTCOME_TRY(policy.check());
  boost::asio::post(context(),
                    [this, policy = std::move(policy)]() mutable { policy_ = std::move(policy); });
  return success();
}

ResizeOptions HostState::bounded(ResizeOptions options) const {
  options.host_reserve = reserve(options.host_reserve);
  if (options.timeout) options.timeout = finite(*options.timeout);
  options.stall = finite(options.stall);
  return options;
}

resize::Question HostState::bounded(const DomainIdentity& domain, resize::Question question) const {
  question.terms.host_reserve = reserve(question.terms.host_reserve);
  question.terms.minimum = policy_.minimum(domain.name);
  question.terms.maximum = policy_.maximum(domain.name);
  if (policy_.numa == Numa::local) question.terms.numa = Numa::local;
  return question;
}

void HostState::call_listener(const std::function<void()>& then) const {
  try {
    then();
  } catch (...) {
    log_.threw(what_was_thrown());
  }
}

Result<void> HostState::require_own_process() const {
  if (!is_forked()) return success();
  return Error{.cause = Cause::not_permitted,
               .message =
                   "the host was opened before this process was forked, and works only in "
                   "the process that opened it",
               .hint = "open a host in the child"};
}

Result<void> HostState::require_may_wait() const {
  BOOST_OUTCOME_TRY(require_own_process());
  if (!context().get_executor().running_in_this_thread()) return success();
  return Error{
      .cause = Cause::not_permitted,
      .message = "a callback on the host's thread made a call that would block that thread",
      .hint =
          "begin it with ask_... or start_... and hear its end by on_end, or give the "
          "callback a queue"};
}

boost::asio::awaitable<void> HostState::end_of(Listeners& listeners) {
  return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void()>(
      [this](auto handler, Listeners* told) {
        const auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        told->add([this, shared] { boost::asio::post(context(), std::move(*shared)); });
      },
      boost::asio::use_awaitable, &listeners);
}

void HostState::leave(const std::shared_ptr<Operation::State>& operation) {
  if (const auto events = std::exchange(operation->events, nullptr)) events->end();
  operation->operation.reset();  // a waiting caller may drop the last handle on any thread
  running_.erase(operation);
}

void HostState::cancel(std::shared_ptr<Operation::State> operation) {
  if (is_forked()) return;
  boost::asio::post(context(), [operation = std::move(operation)] {
    if (operation->operation) operation->operation->cancel();
  });
}

}  // namespace memctl
