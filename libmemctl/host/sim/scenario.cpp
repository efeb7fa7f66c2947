// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/sim/scenario.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "host/sim/json_object.hpp"
#include "host/sim/scenario_action.hpp"

namespace memctl::host::sim {
namespace {

constexpr std::array types = {JsonWord<DomainType>{"pv", DomainType::pv},
                              JsonWord<DomainType>{"pvh", DomainType::pvh},
                              JsonWord<DomainType>{"hvm", DomainType::hvm}};

constexpr std::array conducts = {JsonWord<AgentConduct>{"normal", AgentConduct::normal},
                                 JsonWord<AgentConduct>{"absent", AgentConduct::absent},
                                 JsonWord<AgentConduct>{"killed", AgentConduct::killed},
                                 JsonWord<AgentConduct>{"garbage", AgentConduct::garbage},
                                 JsonWord<AgentConduct>{"huge", AgentConduct::huge},
                                 JsonWord<AgentConduct>{"lying", AgentConduct::lying},
                                 JsonWord<AgentConduct>{"stale", AgentConduct::stale},
                                 JsonWord<AgentConduct>{"flooding", AgentConduct::flooding},
                                 JsonWord<AgentConduct>{"deleting", AgentConduct::deleting},
                                 JsonWord<AgentConduct>{"fleeting", AgentConduct::fleeting},
                                 JsonWord<AgentConduct>{"chattering", AgentConduct::chattering},
                                 JsonWord<AgentConduct>{"dripping", AgentConduct::dripping},
                                 JsonWord<AgentConduct>{"owing", AgentConduct::owing}};

const std::array policies = {JsonWord<std::string>{"offline", "offline"},
                             JsonWord<std::string>{"online", "online"},
                             JsonWord<std::string>{"online_kernel", "online_kernel"},
                             JsonWord<std::string>{"online_movable", "online_movable"}};

constexpr std::array autoballoon_words = {
    JsonWord<std::optional<Autoballoon>>{"on", Autoballoon::on},
    JsonWord<std::optional<Autoballoon>>{"off", Autoballoon::off},
    JsonWord<std::optional<Autoballoon>>{"auto", Autoballoon::automatic},
    JsonWord<std::optional<Autoballoon>>{"unknown", std::nullopt}};

constexpr std::array rule_actions = {
    JsonWord<RuleAction>{"online", RuleAction::online},
    JsonWord<RuleAction>{"online_kernel", RuleAction::online_kernel},
    JsonWord<RuleAction>{"online_movable", RuleAction::online_movable},
    JsonWord<RuleAction>{"other", RuleAction::other}};

/// Xen counts up to so many NUMA nodes (MAX_NUMNODES on x86).
constexpr int most_nodes = 64;

/// The numbers of a guest's NUMA nodes, each once.
std::vector<int> read_nodes(JsonObject& object) {
  std::vector<int> nodes;
  object.each("numa_nodes", [&](const Json& node, const std::string& where) {
    if (!node.is_number_integer() || node < 0 || node >= most_nodes) {
      throw JsonWrong{where + " is no node", "write the numbers of nodes, from 0 to 63"};
    }
    nodes.push_back(node.get<int>());
  });
  std::ranges::sort(nodes);
  nodes.erase(std::ranges::unique(nodes).begin(), nodes.end());
  return nodes;
}

GuestSpec read_guest(const Json& json, const std::string& where) {
  JsonObject object{json, where};
  object.require("name");
  GuestSpec guest;
  object("name", guest.name);
  object("type", guest.type, types);
  object("memory", guest.memory);
  object("maxmem", guest.maxmem);
  object("vcpus", guest.vcpus);
  object("video_ram", guest.video_ram);
  object("pool", guest.pool);
  object("freeze_pool", guest.freeze_pool);
  object("hap", guest.hap);
  object("stored_configuration", guest.has_stored_configuration);
  object("in_shim", guest.in_shim);
  object("passthrough_devices", guest.passthrough_devices);
  object("emulated_dma_devices", guest.emulated_dma_devices);
  int bits = 64;
  object("bits", bits);
  if (bits == 32) guest.linux = LinuxSpec::of_32_bits();
  object("booted", guest.booted);
  object("boot_time", guest.linux.boot);
  object("kernel_release", guest.linux.kernel_release);
  object("kernel_build", guest.linux.kernel_build);
  object("hotplug", guest.linux.hotplug);
  object("block_size", guest.linux.block_size);
  object("online_policy", guest.linux.online_policy, policies);
  object("online_fails", guest.linux.online_fails);
  object("kernel_free", guest.linux.kernel_free);
  object("reclaimable", guest.linux.reclaimable);
  object("off_target", guest.linux.off_target);
  object("populated_per_second", guest.linux.populated_per_second);
  object("agent", guest.agent.conduct, conducts);
  object("agent_latency", guest.agent.latency);
  object("report_latency", guest.agent.report_latency);
  object("agent_version", guest.agent.version);
  int protocol = static_cast<int>(guest.agent.protocol_max);
  object("agent_protocol", protocol);
  object("libvirt", guest.managed_by_libvirt);
  object("device_model_of", guest.device_model_of);
  object("journal", guest.journal);
  guest.numa_nodes = read_nodes(object);
  std::string rule;
  bool reads_rules = true;
  object("udev_rule", rule);
  object("udev_rules_read", reads_rules);
  object("udev_rule_action", guest.linux.udev_rule_action, rule_actions);
  object.done();
  guest.linux.udev_rule.reset();
  if (reads_rules) guest.linux.udev_rule = rule;
  if (protocol < 1) throw object.wrong("agent_protocol", "is 0", "the first version is 1");
  guest.agent.protocol_min = guest.agent.protocol_max = static_cast<std::uint32_t>(protocol);
  if (guest.memory < 64_MiB) {
    throw object.wrong("memory", "is too small", "a guest needs 64MiB or more");
  }
  if (guest.video_ram > guest.memory / 2) {
    throw object.wrong("video_ram", "is too much", "it is a part of \"memory\"");
  }
  if (guest.in_shim && guest.type != DomainType::pvh) {
    throw object.wrong("in_shim", "needs a pvh guest", "Xen's shim is the kernel of a pvh domain");
  }
  if (guest.vcpus < 1) throw object.wrong("vcpus", "is 0", "a guest needs one or more");
  if (bits != 64 && bits != 32) {
    throw object.wrong("bits", "is neither 64 nor 32", "a kernel has 64 or 32 bits");
  }
  const bool narrow = guest.linux.has_32_bits();
  if (narrow && guest.linux.block_size != LinuxSpec::of_32_bits().block_size) {
    throw object.wrong("block_size", "is not that of a 32-bit kernel",
                       "leave it out: it is 512MiB");
  }
  if (narrow && std::max(guest.memory, guest.maxmem.value_or(Kib{})) > 63_GiB) {
    throw object.wrong("memory", "is too much", "a 32-bit kernel addresses 63GiB and its devices");
  }
  if (guest.linux.block_size < 128_MiB) {
    throw object.wrong("block_size", "is too small", "128MiB on small guests, 2GiB on large ones");
  }
  return guest;
}

Scenario read(const Json& json) {
  JsonObject object{json, ""};
  Scenario scenario;
  std::unordered_set<std::string> names;
  object("host", scenario.world.host);
  object("dom0", scenario.world.dom0);
  object("xen_minor", scenario.world.xen_minor);
  object("numa_nodes", scenario.world.numa_nodes);
  object("seed", scenario.world.seed);
  object("libxl_call", scenario.world.libxl_call);
  object("autoballoon", scenario.world.autoballoon, autoballoon_words);
  object("dom0_mem", scenario.world.dom0_memory_is_fixed);
  object("qmemman", scenario.world.qmemman);
  object("squeezed", scenario.world.squeezed);
  object("pace", scenario.pace);
  object.each("guests", [&](const Json& each, const std::string& where) {
    GuestSpec guest = read_guest(each, where);
    if (!names.insert(guest.name).second) {
      throw JsonWrong{"two guests are called \"" + shown(guest.name) + "\"",
                      "give each its own name"};
    }
    scenario.guests.push_back(std::move(guest));
  });
  object.each("actions", [&](const Json& each, const std::string& where) {
    ScenarioAction action = read_action(each, where);
    JsonObject{each, where}.require("at");
    scenario.actions.push_back(std::move(action));
  });
  object.done();
  if (scenario.world.numa_nodes < 1 || scenario.world.numa_nodes > most_nodes) {
    throw object.wrong("numa_nodes", "is not from 1 to 64", "most hosts have 1 or 2");
  }
  for (const GuestSpec& guest : scenario.guests) {
    if (!guest.numa_nodes.empty() && guest.numa_nodes.back() >= scenario.world.numa_nodes) {
      throw JsonWrong{"the host has no node " + std::to_string(guest.numa_nodes.back()) +
                          ", which \"" + shown(guest.name) + "\" names",
                      "the nodes are numbered from 0; \"numa_nodes\" of the host counts them"};
    }
  }
  for (const ScenarioAction& action : scenario.actions) {
    const bool known = action.guest.empty() || names.contains(action.guest);
    if (!known) {
      throw JsonWrong{"no guest is called \"" + shown(action.guest) + "\"",
                      "an action names one of \"guests\""};
    }
  }
  return scenario;
}

/// Reads a text of JSON with `read`.
template <class T>
Result<T> parse(std::string_view text, T (*read)(const Json&)) {
  const Json json = Json::parse(text, nullptr, false, true);
  if (json.is_discarded()) {
    return Error{.cause = Cause::invalid_argument,
                 .message = "the description of the simulated host is no JSON",
                 .hint = "look for a missing comma, quote or bracket"};
  }
  try {
    return read(json);
  } catch (const JsonWrong& wrong) {
    return Error{.cause = Cause::invalid_argument,
                 .message = "simulated host: " + wrong.message,
                 .hint = wrong.hint};
  }
}

}  // namespace

Scenario default_scenario() {
  const auto demo = [](const char* name, DomainType type, Kib memory) {
    GuestSpec guest{.name = name, .type = type, .memory = memory};
    guest.linux.reclaimable = 64_MiB;
    return guest;
  };
  return {
      .world = {.host = 63_GiB, .dom0 = 1_GiB},
      .guests = {demo("demo-pv", DomainType::pv, 1_GiB), demo("demo-pvh", DomainType::pvh, 1_GiB),
                 demo("demo-hvm", DomainType::hvm, 1_GiB)}};
}

Result<Scenario> parse_scenario(std::string_view json) { return parse<Scenario>(json, read); }

Result<GuestSpec> parse_guest(std::string_view json) {
  return parse<GuestSpec>(json, [](const Json& each) { return read_guest(each, ""); });
}

Result<ScenarioAction> parse_action(std::string_view json) {
  return parse<ScenarioAction>(json, [](const Json& each) { return read_action(each, ""); });
}

Result<Scenario> read_scenario(const std::string& file) {
  constexpr std::size_t largest_file = std::size_t{1} << 20;
  std::ifstream stream{file, std::ios::binary};
  std::string text(largest_file + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  const bool is_whole = stream.eof() && !stream.bad();
  if (is_whole) return parse_scenario(text);
  const bool is_large = text.size() > largest_file;
  return Error{.cause = Cause::invalid_argument,
               .message = "the file \"" + printable(file, 256) +
                          "\", which describes a simulated host, " +
                          (is_large ? "is larger than 1 MiB" : "cannot be read"),
               .hint = "name a file of JSON after sim:, or nothing for the demonstration"};
}

Result<std::unique_ptr<World>> make_world(const Scenario& scenario) {
  auto world = std::make_unique<World>(scenario.world);
  for (const GuestSpec& guest : scenario.guests) {
    const auto added = world->try_add_guest(guest);
    if (!added) return added.error();
  }
  for (const ScenarioAction& action : scenario.actions) {
    // An action may fail, for example because its guest has gone. Then it has no effect.
    if (action.at == Duration{}) {
      static_cast<void>(perform(*world, action));
      continue;
    }
    world->after(action.at,
                 [raw = world.get(), action] { static_cast<void>(perform(*raw, action)); });
  }
  return world;
}

}  // namespace memctl::host::sim
