// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/host_state.hpp"

#include <thread>

namespace memctl {
namespace {

/// Nothing can handle a listener's exception, and it must not end the host's thread.
void call_listener(const std::function<void()>& then) {
  try {
    then();
  } catch (...) {  // NOLINT(bugprone-empty-catch)
  }
}

}  // namespace

void Listeners::add(std::function<void()> then) {
  if (told_) return call_listener(then);
  waiting_.push_back(std::move(then));
}

void Listeners::tell() {
  told_ = true;
  for (const auto& then : std::exchange(waiting_, {})) call_listener(then);
}

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
  static_cast<void>(call([this](host::Port&) -> host::Task<void> {
    for (const auto& state : running_) state->operation->cancel();
    co_return success();
  }));
  runner_->run_until([this] { return running_.empty(); });
}

std::shared_ptr<Operation::State> HostState::start(DomainIdentity domain, SizeRequest size,
                                                   ResizeOptions options) {
  auto state = std::make_shared<Operation::State>(std::move(domain));
  spawn(
      [this, state, size, options = std::move(options)]() mutable -> boost::asio::awaitable<void> {
        state->operation.emplace(port(), state->domain, size, std::move(options));
        running_.insert(state);
        auto report = co_await state->operation->run();
        leave(state);
        state->give(std::move(report));
      },
      [this, state](const std::exception_ptr& thrown) {
        if (!thrown) return;
        leave(state);
        state->give_up(thrown);
      });
  return state;
}

void HostState::leave(const std::shared_ptr<Operation::State>& operation) {
  operation->operation.reset();  // a waiting caller may drop the last handle on any thread
  running_.erase(operation);
}

void HostState::cancel(std::shared_ptr<Operation::State> operation) {
  boost::asio::post(context(), [operation = std::move(operation)] {
    if (operation->operation) operation->operation->cancel();
  });
}

}  // namespace memctl
