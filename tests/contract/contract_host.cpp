// SPDX-License-Identifier: LGPL-2.1-or-later
#include "contract_host.hpp"

#include "host/sim/connection.hpp"
#include "host/sim/scenario.hpp"

namespace memctl::contract {
namespace {

/// The lab's host, and guests as the lab boots them.
host::sim::Scenario simulated() {
  host::sim::Scenario scenario{.world = {.host = 4_GiB, .dom0 = 1_GiB}};
  for (const TestGuest& guest : test_host().guests) {
    host::sim::GuestSpec spec{.name = guest.name,
                              .type = guest.type,
                              .memory = guest.type == DomainType::hvm ? 256_MiB : 160_MiB};
    spec.agent.conduct = host::sim::AgentConduct::absent;
    scenario.guests.push_back(spec);
  }
  return scenario;
}

}  // namespace

TestHost& test_host() {
  static TestHost chosen;
  return chosen;
}

Result<std::unique_ptr<host::Connection>> connect(boost::asio::io_context& context) {
  if (test_host().uri != "sim:") return host::connect(test_host().uri, context);
  BOOST_OUTCOME_TRY(auto world, host::sim::make_world(simulated()));
  return std::make_unique<host::sim::SimConnection>(std::move(world), context);
}

}  // namespace memctl::contract
