// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A simulated host that another program drives. It reads one JSON object a line on standard input,
// and answers each with one on standard output. Its argument describes the host as in
// docs/simulator.md.
//
//   {"do": "create", "guest": {...}}       {"domid": 1}
//   {"do": "start", "arguments": [...]}    {"command": 1}: memctl, with these arguments
//   {"do": "wait", "command": 1, "text": "populate"}
//                                          {"out": ..., "err": ..., "status": null}: virtual time
//                                          passes until it wrote the text or, with none, ended
//   {"do": "interrupt", "command": 1}      {}
//   {"do": "pass", "seconds": 60}          {}: virtual time
//   {"do": "host-facts"}                   as lab-probe writes it
//   {"do": "guest-facts", "domid": 1}
//   {"do": "find", "guest": "web"}         {"domid": 2}
//   {"do": "hold-gradually", "guest": "web", "mib": 900}
//                                          {}: a process takes so much, 200 MiB a second
//   {"do": "drip", "guest": "web", "kib": 4}
//                                          {}: as lab-drip, which 0 ends
//   {"do": "write-node", "path": "/...", "value": "..."}
//                                          {}: dom0 writes xenstore's node
//   {"do": "remove-node", "path": "/..."}  {}
//   {"do": "now"}                          {"seconds": 12.5}: virtual time
//   any action of docs/simulator.md        {}
//
// If a request cannot be carried out, the answer is {"error": MESSAGE, "raw": CODE}.
#include <chrono>
#include <exception>
#include <iostream>
#include <map>
#include <string>

#include "calls.hpp"
#include "facts.hpp"
#include "host/sim/scenario.hpp"

namespace memctl::scenario {
namespace {

using nlohmann::json;

json answer_of(const Error& error) {
  return {{"error", error.message}, {"raw", error.raw ? json(*error.raw) : json(nullptr)}};
}

json answer_of(const Result<void>& done) { return done ? json::object() : answer_of(done.error()); }

using host::sim::World;

/// A process of the guest takes memory, a mebibyte every 5 ms.
void hold_gradually(World& world, DomainId id, int mib) {
  host::sim::Guest& guest = world.guest(id);
  if (mib == 0 || !guest.alive()) return;
  guest.kernel().hold(1_MiB);
  world.after(std::chrono::milliseconds{5},
              [&world, id, mib] { hold_gradually(world, id, mib - 1); });
}

class SimHost {
 public:
  explicit SimHost(const host::sim::WorldSpec& spec) : simulation_{spec} {}

  json answer(const json& request) {
    const std::string what = request.at("do");
    if (what == "create") return create(request.at("guest"));
    if (what == "start") return {{"command", calls_.start(request.at("arguments"))}};
    if (what == "wait") return wait(request.at("command"), request.at("text"));
    if (what == "host-facts") return host_facts(world());
    if (what == "guest-facts") return guest_facts(world(), domain(request));
    if (what == "find") return {{"domid", number(named(request).id())}};
    if (what == "hold-gradually") {
      hold_gradually(world(), named(request).id(), request.at("mib"));
      return json::object();
    }
    if (what == "drip") {
      set_drip(named(request).id(), Kib{request.at("kib").get<std::int64_t>()});
      return json::object();
    }
    if (what == "write-node") {
      return answer_of(world().store().write(host::sim::dom0, request.at("path"),
                                             request.at("value").get<std::string>()));
    }
    if (what == "remove-node") {
      return answer_of(world().store().remove(host::sim::dom0, request.at("path")));
    }
    if (what == "now") {
      const std::chrono::duration<double> now = simulation_.now().time_since_epoch();
      return {{"seconds", now.count()}};
    }
    if (what == "interrupt") {
      calls_.interrupt(request.at("command"));
      return json::object();
    }
    if (what == "pass") {
      const std::chrono::duration<double> time{request.at("seconds").get<double>()};
      calls_.pass(std::chrono::duration_cast<host::Duration>(time));
      return json::object();
    }
    return act(request);
  }

 private:
  World& world() { return simulation_.world; }
  host::sim::Guest& named(const json& request) {
    return world().guest(request.at("guest").get<std::string>());
  }

  static DomainId domain(const json& request) {
    return DomainId{request.at("domid").get<std::uint32_t>()};
  }

  json create(const json& description) {
    const auto spec = host::sim::parse_guest(description.dump());
    if (!spec) return answer_of(spec.error());
    const auto made = world().try_add_guest(spec.value());
    if (!made) return answer_of(made.error());
    return {{"domid", number(made.value())}};
  }

  json wait(int number, const std::string& text) {
    const Call& call = calls_.wait(number, text);
    return {{"out", call.out()},
            {"err", call.err()},
            {"status", call.status() ? json(*call.status()) : json(nullptr)}};
  }

  json act(const json& request) {
    const auto action = host::sim::parse_action(request.dump());
    if (!action) return answer_of(action.error());
    return answer_of(host::sim::perform(world(), action.value()));
  }

  void set_drip(DomainId id, Kib step) {
    const bool drips = drips_[id] != Kib{};
    drips_[id] = step;
    if (!drips && step != Kib{}) drip(id, 0);
  }

  /// A process of the guest holds the balloon where it is, and lets it move a step twice a second.
  void drip(DomainId id, int look) {
    host::sim::Guest& guest = world().guest(id);
    const Kib step = drips_[id];
    if (step == Kib{} || !guest.alive()) return;
    host::sim::LinuxGuest& kernel = guest.kernel();
    kernel.set_balloon_target(kernel.balloon_current() + (look % 50 == 0 ? step : Kib{}));
    world().after(std::chrono::milliseconds{10}, [this, id, look] { drip(id, look + 1); });
  }

  test::Simulation simulation_;
  std::map<DomainId, Kib> drips_{};
  Calls calls_{simulation_};
};

int serve(const std::string& description) {
  const auto scenario = host::sim::parse_scenario(description);
  if (!scenario) {
    std::cerr << "memctl-sim-host: " << scenario.error().message << "\n";
    return 2;
  }
  SimHost host{scenario.value().world};
  for (std::string line; std::getline(std::cin, line);) {
    json answer;
    try {
      answer = host.answer(json::parse(line));
    } catch (const std::exception& exception) {  // an invalid request, or an unknown guest
      answer = {{"error", exception.what()}, {"raw", nullptr}};
    }
    std::cout << answer.dump(-1, ' ', false, json::error_handler_t::replace) << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace memctl::scenario

int main(int argc, char** argv) { return memctl::scenario::serve(argc > 1 ? argv[1] : "{}"); }
