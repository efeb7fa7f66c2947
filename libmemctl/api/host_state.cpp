// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/host_state.hpp"

#include <thread>

namespace memctl {
namespace {

/// Nothing can handle a listener's exception, and it must not end the host's thread.
void tell(const std::function<void()>& then) {
  try {
    then();
  } catch (...) {  // NOLINT(bugprone-empty-catch)
  }
}

}  // namespace

Operation::State::State(HostState& state, DomainIdentity domain, SizeRequest size,
                        ResizeOptions options)
    : operation{std::in_place, state.port(), std::move(domain), size, std::move(options)},
      ended{promise.get_future().share()} {}

std::shared_ptr<HostState> HostState::over(std::unique_ptr<Runner> runner) {
  return {new HostState{std::move(runner)}, end};
}

/// A listener on the host's thread may own the host and drop it there. That thread cannot wait for
/// itself, so another thread deletes the host.
void HostState::end(HostState* state) {
  if (state->context().get_executor().running_in_this_thread()) {
    std::thread{[state] { delete state; }}.detach();
  } else {
    delete state;
  }
}

HostState::~HostState() {
  call([this](host::Port&) -> boost::asio::awaitable<bool> {
    for (const auto& state : running_) state->operation->cancel();
    co_return true;
  });
  runner_->run_until([this] { return running_.empty(); });
}

std::shared_ptr<Operation::State> HostState::start(DomainIdentity domain, SizeRequest size,
                                                   ResizeOptions options) {
  return call([&, this](host::Port&) -> boost::asio::awaitable<std::shared_ptr<Operation::State>> {
    auto state =
        std::make_shared<Operation::State>(*this, std::move(domain), size, std::move(options));
    running_.insert(state);
    spawn(
        [this, state]() -> boost::asio::awaitable<void> {
          auto report = co_await state->operation->run();
          end_operation(state, [&] { state->promise.set_value(std::move(report)); });
        },
        [this, state](const std::exception_ptr& thrown) {
          if (thrown) end_operation(state, [&] { state->promise.set_exception(thrown); });
        });
    co_return state;
  });
}

template <class Keep>
void HostState::end_operation(const std::shared_ptr<Operation::State>& operation, Keep keep) {
  operation->operation.reset();  // a waiting caller may drop the last handle on any thread
  running_.erase(operation);
  keep();
  operation->has_ended = true;
  for (const auto& then : std::exchange(operation->listeners, {})) tell(then);
}

void HostState::on_end(std::shared_ptr<Operation::State> operation, std::function<void()> then) {
  boost::asio::post(context(), [operation = std::move(operation), then = std::move(then)] {
    if (operation->has_ended) return tell(then);
    operation->listeners.push_back(then);
  });
}

Result<Report> HostState::wait(const Operation::State& operation) {
  await(operation.ended);
  return operation.ended.get();
}

void HostState::cancel(std::shared_ptr<Operation::State> operation) {
  boost::asio::post(context(), [operation = std::move(operation)] {
    if (operation->operation) operation->operation->cancel();
  });
}

}  // namespace memctl
