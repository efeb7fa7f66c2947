// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The description of a simulated host (docs/simulator.md), which any user may write: it makes a
// host, whose guests can be asked, or an error tells what is wrong.
#include "host/sim/scenario.hpp"

#include <chrono>

#include "bytes.hpp"
#include "require.hpp"

namespace memctl::fuzz {
namespace {

using namespace std::chrono_literals;

void check(const std::string& text) {
  const auto scenario = host::sim::parse_scenario(text);
  if (!scenario) {
    require_sound(scenario.error());
    require(!scenario.error().hint.empty(), "a mistake is told with what is right");
    return;
  }
  const auto made = host::sim::make_world(scenario.value());
  if (!made) return require_sound(made.error());
  host::sim::World& world = *made.value();
  require(world.xen().consistent(), "a host's accounts add up");
  // Each guest has an event or more in each of its milliseconds while its balloon moves.
  for (int step = 0; step < 20; ++step) world.advance(500ms);
  require(world.xen().consistent(), "a host's accounts still add up");
}

}  // namespace
}  // namespace memctl::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  memctl::fuzz::check(memctl::fuzz::Bytes{data, size}.rest());
  return 0;
}
