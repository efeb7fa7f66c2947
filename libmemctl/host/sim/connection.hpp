// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string_view>

#include "host/factory.hpp"
#include "host/sim/sim_port.hpp"
#include "host/sim/world.hpp"

namespace memctl::host::sim {

/// Lets `context` run over a world whose time passes while coroutines wait for it, and for nothing
/// else: idle guests stand still.
class SimConnection final : public Connection {
 public:
  /// `world` and `context` must outlive it.
  SimConnection(World& world, boost::asio::io_context& context);
  /// Keeps the world.
  SimConnection(std::unique_ptr<World> world, boost::asio::io_context& context);

  [[nodiscard]] Port& port() override { return port_; }
  [[nodiscard]] World& world() { return *world_; }
  void run() override;
  /// As `run`, but returns too when nothing can happen any more, and once `until` says so.
  /// False: nothing can happen any more.
  bool run_until(const std::function<bool()>& until);

  /// How many times as fast as real time virtual time passes at most; nothing: without a bound.
  void set_pace(std::optional<double> pace) { pace_ = pace; }

 private:
  bool advance();
  std::unique_ptr<World> owned_{};
  World* world_;
  boost::asio::io_context& context_;
  SimPort port_;
  std::optional<double> pace_{};
};

/// A world with all that a test needs to let a coroutine act upon it.
class Simulation {
 public:
  explicit Simulation(WorldSpec spec = {}) : world{spec} {}

  World world;
  boost::asio::io_context context{};
  SimConnection connection{world, context};

  [[nodiscard]] Port& port() { return connection.port(); }
  [[nodiscard]] TimePoint now() { return world.clock().now(); }

  /// Runs a coroutine to its end and returns what it returned; throws what it threw, and
  /// std::logic_error if it waits for something that cannot happen.
  template <class T>
  T run(boost::asio::awaitable<T> coroutine) {
    // Shared with the coroutine, which outlives this call where it waits for ever. Boost.Asio would
    // make an empty T where it throws, and a Result has none: so it is spawned as one of void.
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
};

/// "" is the default world, anything else a file that describes one (docs/simulator.md).
/// Errors: `xen_unsupported`, where the file cannot be read or says something impossible.
[[nodiscard]] Result<std::unique_ptr<Connection>> connect(std::string_view uri_rest,
                                                          boost::asio::io_context& context);

}  // namespace memctl::host::sim
