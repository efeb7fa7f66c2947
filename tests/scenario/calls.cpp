// SPDX-License-Identifier: LGPL-2.1-or-later
#include "calls.hpp"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <memory>
#include <stdexcept>

#include "api/host_state.hpp"

namespace memctl::scenario {
namespace {

/// Runs the simulated host's coroutines only on the driver's thread. A call that waits for a
/// coroutine gives up its turn.
class DriversTurn final : public Runner {
 public:
  explicit DriversTurn(test::Simulation& simulation) : simulation_{simulation} {}
  boost::asio::io_context& context() override { return simulation_.context; }
  host::Port& port() override { return simulation_.port(); }
  void run_until(const std::function<bool()>& ended) override {
    if (Call* call = Call::current()) return call->wait_until(ended);
    simulation_.connection.run_until(ended);
  }

 private:
  test::Simulation& simulation_;
};

}  // namespace

Calls::Calls(test::Simulation& simulation)
    : simulation_{simulation},
      work_{simulation.context.get_executor()},
      host_{HostState::over(std::make_unique<DriversTurn>(simulation))} {}

Calls::~Calls() {
  for (Call& call : calls_) {
    if (!call.status()) call.interrupt(cli::Interruption::cancel);
    if (run_until([&] { return call.status().has_value(); })) continue;
    std::cerr << "memctl-sim-host: a call waits for something that cannot happen\n";
    std::_Exit(EXIT_FAILURE);  // nothing else could end the call's thread
  }
}

int Calls::start(const std::vector<std::string>& arguments) {
  calls_.emplace_back(host_, simulation_.world.clock(), arguments).go_on();
  return static_cast<int>(calls_.size());
}

const Call& Calls::wait(int number, const std::string& text) {
  const Call& call = find(number);
  run_until([&] { return call.status() || (!text.empty() && call.has_written(text)); });
  return call;
}

void Calls::interrupt(int number, cli::Interruption interruption) {
  Call& call = find(number);
  if (!call.status()) call.interrupt(interruption);
}

void Calls::pass(host::Duration duration) {
  auto& world = simulation_.world;
  const host::TimePoint until = simulation_.now() + duration;
  world.after(duration, [] {});  // so that the time of the calls goes no further in one step
  run_until([&] { return !any_running() || simulation_.now() >= until; });
  if (simulation_.now() < until) world.advance(until - simulation_.now());
}

Call& Calls::find(int number) {
  if (number < 1 || number > static_cast<int>(calls_.size())) {
    throw std::out_of_range{"there is no call " + std::to_string(number)};
  }
  return *std::next(calls_.begin(), number - 1);
}

void Calls::settle() {
  const auto went_on = [](Call& call) { return call.go_on(); };
  do {
    simulation_.context.poll();
  } while (std::ranges::count_if(calls_, went_on) > 0);
}

bool Calls::run_until(const std::function<bool()>& until) {
  return simulation_.connection.run_until([&] {
    settle();
    return until();
  });
}

bool Calls::any_running() const {
  return std::ranges::any_of(calls_, [](const Call& call) { return !call.status(); });
}

}  // namespace memctl::scenario
