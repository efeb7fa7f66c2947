// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

#include "host/sim/connection.hpp"

namespace memctl::test {

/// A world, and everything that a test needs to run a coroutine on it.
class Simulation {
 public:
  explicit Simulation(host::sim::WorldSpec spec = {}) : world{spec} {}

  host::sim::World world;
  boost::asio::io_context context{};
  host::sim::SimConnection connection{world, context};

  [[nodiscard]] host::Port& port() { return connection.port(); }
  [[nodiscard]] host::TimePoint now() { return world.clock().now(); }

  /// Runs a coroutine to its end and returns what it returned; throws what it threw, and
  /// std::logic_error if it waits for something that cannot happen.
  template <class T>
  T run(boost::asio::awaitable<T> coroutine) {
    // Shared with the coroutine, which outlives this call if it waits for ever. If a coroutine
    // throws, Boost.Asio makes an empty T, which a Result does not have. So it is spawned as one of
    // void.
    struct State {
      std::optional<T> result{};
      std::exception_ptr thrown{};
      bool ended{false};
    };
    const auto state = std::make_shared<State>();
    context.restart();
    boost::asio::co_spawn(
        context,
        [state, awaited = std::move(coroutine)]() mutable -> boost::asio::awaitable<void> {
          state->result.emplace(co_await std::move(awaited));
        },
        [state](const std::exception_ptr& exception) {
          state->thrown = exception;
          state->ended = true;
        });
    connection.run_until([&] { return state->ended; });
    if (state->thrown) std::rethrow_exception(state->thrown);
    if (!state->ended) {
      throw std::logic_error{"the coroutine waits for something that cannot happen"};
    }
    return std::move(*state->result);
  }
  template <class T>
  T run(boost::asio::awaitable<std::unique_ptr<T>> coroutine) {
    return std::move(*run<std::unique_ptr<T>>(std::move(coroutine)));
  }
};

}  // namespace memctl::test
