// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/sim/connection.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>

#include "host/sim/scenario.hpp"

namespace memctl::host::sim {

SimPort::SimPort(World& world)
    : world_{world},
      hypervisor_{world},
      store_{world.shared_store(), world.clock()},
      process_{world.add_process()} {}

SimPort::~SimPort() { world_.end_process(process_); }

SimConnection::SimConnection(World& world, boost::asio::io_context& context)
    : world_{&world}, context_{context}, port_{world} {}

SimConnection::SimConnection(std::unique_ptr<World> world, boost::asio::io_context& context)
    : owned_{std::move(world)}, world_{owned_.get()}, context_{context}, port_{*world_} {}

/// Runs one event, if a coroutine waits for time to pass. False: no coroutine waits, or there is no
/// event.
bool SimConnection::advance() {
  VirtualClock& clock = world_->clock();
  const auto due = clock.next();
  if (clock.waiters() == 0 || !due) return false;
  if (pace_) {
    constexpr std::chrono::duration<double> longest = std::chrono::hours{1000};
    const std::chrono::duration<double> real{std::chrono::duration<double>{*due - clock.now()} /
                                             *pace_};
    const auto handled =
        context_.run_one_for(std::chrono::duration_cast<Duration>(std::min(real, longest)));
    if (handled > 0 || context_.stopped()) return true;  // the next event may be another one now
  }
  return clock.step();
}

void SimConnection::run() {
  while (true) {
    context_.poll();
    if (context_.stopped()) return;
    if (!advance()) context_.run_one();
  }
}

bool SimConnection::run_until(const std::function<bool()>& until) {
  while (true) {
    context_.poll();
    if (until()) return true;
    if (context_.stopped() || !advance()) return false;
  }
}

Result<std::unique_ptr<Connection>> connect(std::string_view uri_rest,
                                            boost::asio::io_context& context) {
  BOOST_OUTCOME_TRY(const Scenario scenario, uri_rest.empty()
                                                 ? Result<Scenario>{default_scenario()}
                                                 : read_scenario(std::string{uri_rest}));
  BOOST_OUTCOME_TRY(auto world, make_world(scenario));
  auto connection = std::make_unique<SimConnection>(std::move(world), context);
  connection->set_pace(scenario.pace);
  return connection;
}

}  // namespace memctl::host::sim
