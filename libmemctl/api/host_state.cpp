// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/host_state.hpp"

#include "base/signals_blocked.hpp"

namespace memctl {
namespace {

/// A listener that throws has nobody to tell, and must not take the host's thread from the others.
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

Result<std::shared_ptr<HostState>> HostState::open(std::string_view uri) {
  const SignalsBlocked blocked;  // inherited by every thread that a connection starts
  std::shared_ptr<HostState> state{new HostState, end};
  BOOST_OUTCOME_TRY(state->connection_, host::connect(uri, state->context_));
  state->thread_ = std::thread{[raw = state.get()] { raw->connection_->run(); }};
  return state;
}

/// Whoever listens for an operation's end on the host's thread may own the host: that thread cannot
/// wait for itself.
void HostState::end(HostState* state) {
  if (std::this_thread::get_id() == state->thread_.get_id()) {
    std::thread{[state] { delete state; }}.detach();
  } else {
    delete state;
  }
}

HostState::~HostState() {
  if (thread_.joinable()) {
    boost::asio::post(context_, [this] {
      for (const auto& state : running_) state->operation->cancel();
      work_.reset();
    });
    thread_.join();
  }
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
  operation->operation.reset();  // whoever waits may drop the last handle, on any thread
  running_.erase(operation);
  keep();
  operation->has_ended = true;
  for (const auto& then : std::exchange(operation->listeners, {})) tell(then);
}

void HostState::on_end(std::shared_ptr<Operation::State> operation, std::function<void()> then) {
  boost::asio::post(context_, [operation = std::move(operation), then = std::move(then)] {
    if (operation->has_ended) return tell(then);
    operation->listeners.push_back(then);
  });
}

void HostState::cancel(std::shared_ptr<Operation::State> operation) {
  boost::asio::post(context_, [operation = std::move(operation)] {
    if (operation->operation) operation->operation->cancel();
  });
}

}  // namespace memctl
