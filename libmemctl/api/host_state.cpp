// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/host_state.hpp"

#include "base/signals_blocked.hpp"

namespace memctl {
Operation::State::State(HostState& state, DomainIdentity domain, SizeRequest size,
                        ResizeOptions options)
    : operation{state.port(), std::move(domain), size, std::move(options)},
      ended{promise.get_future().share()} {}

Result<std::shared_ptr<HostState>> HostState::open(std::string_view uri) {
  const SignalsBlocked blocked;  // inherited by every thread that a connection starts
  std::shared_ptr<HostState> state{new HostState};
  BOOST_OUTCOME_TRY(state->connection_, host::connect(uri, state->context_));
  state->thread_ = std::thread{[raw = state.get()] { raw->connection_->run(); }};
  return state;
}

HostState::~HostState() {
  if (thread_.joinable()) {
    boost::asio::post(context_, [this] {
      for (const auto& state : running_) state->operation.cancel();
      work_.reset();
    });
    thread_.join();
  }
}

std::shared_ptr<Operation::State> HostState::start(DomainIdentity domain, SizeRequest size,
                                                   ResizeOptions options) {
  std::promise<std::shared_ptr<Operation::State>> made;
  auto future = made.get_future();
  boost::asio::post(context_, [&, this] {
    auto state =
        std::make_shared<Operation::State>(*this, std::move(domain), size, std::move(options));
    running_.insert(state);
    spawn(
        [this, state]() -> boost::asio::awaitable<void> {
          Result<Report> result = co_await state->operation.run();
          running_.erase(state);
          state->promise.set_value(std::move(result));
        },
        [this, state](const std::exception_ptr& thrown) {
          if (!thrown) return;
          running_.erase(state);
          state->promise.set_exception(thrown);
        });
    made.set_value(std::move(state));
  });
  return future.get();
}

void HostState::cancel(std::shared_ptr<Operation::State> operation) {
  boost::asio::post(context_,
                    [operation = std::move(operation)] { operation->operation.cancel(); });
}

}  // namespace memctl
