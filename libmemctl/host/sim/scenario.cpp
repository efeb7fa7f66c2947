// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/sim/scenario.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "memctl/size.hpp"

namespace memctl::host::sim {
namespace {

using Json = nlohmann::json;

/// Within this file only: what is wrong, and where; `parse_scenario` makes an Error of it.
struct Wrong {
  std::string message;
  std::string hint;
};

std::string listed(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

template <class T>
struct Word {
  const char* text;
  T value;
};

/// Reads the members of one JSON object; those that nobody asked for are wrong.
class Object {
 public:
  Object(const Json& json, std::string where) : json_{json}, where_{std::move(where)} {
    if (!json.is_object()) throw Wrong{where_ + " is not an object", "write {...} there"};
  }

  void operator()(const char* key, Kib& size) {
    take(key, [&](const Json& value) {
      const auto parsed = value.is_string() ? parse_size(value.get<std::string>())
                                            : Result<SizeRequest>{SizeRequest{Kib{-1}}};
      const bool sound = parsed && parsed.value().kind == SizeRequest::Kind::absolute &&
                         parsed.value().amount >= Kib{};
      if (!sound) throw wrong(key, "is no size", "write it as \"512MiB\" or \"4GiB\"");
      size = parsed.value().amount;
    });
  }
  void operator()(const char* key, std::optional<Kib>& size) {
    if (!json_.contains(key)) known_.emplace_back(key);
    if (json_.contains(key)) (*this)(key, size.emplace());
  }
  void operator()(const char* key, bool& flag) {
    take(key, [&](const Json& value) {
      if (!value.is_boolean()) throw wrong(key, "is neither true nor false", "write true or false");
      flag = value.get<bool>();
    });
  }
  void operator()(const char* key, std::string& text) {
    take(key, [&](const Json& value) {
      if (!value.is_string()) throw wrong(key, "is no text", "write it in quotes");
      text = value.get<std::string>();
    });
  }
  void operator()(const char* key, int& number) {
    take(key, [&](const Json& value) {
      if (!value.is_number_integer() || value < 0 || value > 1'000'000) {
        throw wrong(key, "is no number from 0 to 1000000", "write a whole number");
      }
      number = value.get<int>();
    });
  }
  void operator()(const char* key, std::uint64_t& number) {
    take(key, [&](const Json& value) {
      if (!value.is_number_unsigned()) throw wrong(key, "is no number", "write a whole number");
      number = value.get<std::uint64_t>();
    });
  }
  void operator()(const char* key, Duration& duration) {
    take(key, [&](const Json& value) {
      if (!value.is_number() || value < 0 || value > 1'000'000) {
        throw wrong(key, "is no time", "write seconds, such as 1.5");
      }
      duration =
          std::chrono::duration_cast<Duration>(std::chrono::duration<double>{value.get<double>()});
    });
  }
  void operator()(const char* key, std::optional<double>& number) {
    take(key, [&](const Json& value) {
      if (!value.is_number() || value <= 0) {
        throw wrong(key, "is no number above 0", "1 is real time, 10 ten times as fast");
      }
      number = value.get<double>();
    });
  }
  template <class T, std::size_t N>
  void operator()(const char* key, T& value, const std::array<Word<T>, N>& words) {
    std::string text;
    (*this)(key, text);
    if (!json_.contains(key)) return;
    std::vector<std::string> allowed;
    for (const Word<T>& word : words) {
      if (text == word.text) {
        value = word.value;
        return;
      }
      allowed.emplace_back(word.text);
    }
    throw wrong(key, "is \"" + text + "\"", "allowed are " + listed(allowed));
  }
  /// Calls `read` for each element of an array.
  void each(const char* key, const std::function<void(const Json&, const std::string&)>& read) {
    take(key, [&](const Json& value) {
      if (!value.is_array()) throw wrong(key, "is no list", "write [...] there");
      for (std::size_t i = 0; i < value.size(); ++i) {
        read(value[i], place(key) + "[" + std::to_string(i) + "]");
      }
    });
  }
  void require(const char* key) const {
    if (!json_.contains(key)) throw wrong(key, "is missing", "add it");
  }
  void done() const {
    for (const auto& [key, value] : json_.items()) {
      if (std::ranges::find(known_, key) == known_.end()) {
        throw wrong(key, "is unknown", "allowed are " + listed(known_));
      }
    }
  }
  [[nodiscard]] Wrong wrong(const std::string& key, const std::string& what,
                            std::string hint) const {
    return {place(key) + " " + what, std::move(hint)};
  }

 private:
  [[nodiscard]] std::string place(const std::string& key) const {
    return where_.empty() ? key : where_ + "." + key;
  }
  void take(const char* key, const std::function<void(const Json&)>& read) {
    if (std::ranges::find(known_, key) == known_.end()) known_.emplace_back(key);
    const auto found = json_.find(key);
    if (found != json_.end()) read(*found);
  }
  const Json& json_;
  std::string where_;
  std::vector<std::string> known_{};
};

constexpr std::array types = {Word<DomainType>{"pv", DomainType::pv},
                              Word<DomainType>{"pvh", DomainType::pvh},
                              Word<DomainType>{"hvm", DomainType::hvm}};

constexpr std::array conducts = {Word<AgentConduct>{"normal", AgentConduct::normal},
                                 Word<AgentConduct>{"absent", AgentConduct::absent},
                                 Word<AgentConduct>{"killed", AgentConduct::killed},
                                 Word<AgentConduct>{"garbage", AgentConduct::garbage},
                                 Word<AgentConduct>{"huge", AgentConduct::huge},
                                 Word<AgentConduct>{"lying", AgentConduct::lying},
                                 Word<AgentConduct>{"stale", AgentConduct::stale},
                                 Word<AgentConduct>{"flooding", AgentConduct::flooding},
                                 Word<AgentConduct>{"deleting", AgentConduct::deleting}};

const std::array policies = {Word<std::string>{"offline", "offline"},
                             Word<std::string>{"online", "online"},
                             Word<std::string>{"online_kernel", "online_kernel"},
                             Word<std::string>{"online_movable", "online_movable"}};

GuestSpec read_guest(const Json& json, const std::string& where) {
  Object object{json, where};
  object.require("name");
  GuestSpec guest;
  object("name", guest.name);
  object("type", guest.type, types);
  object("memory", guest.memory);
  object("maxmem", guest.maxmem);
  object("vcpus", guest.vcpus);
  object("video_ram", guest.video_ram);
  object("paging_pool", guest.paging_pool);
  object("freeze_pool", guest.freeze_pool);
  object("hap", guest.hap);
  object("stored_configuration", guest.has_stored_configuration);
  object("passthrough_devices", guest.passthrough_devices);
  object("emulated_dma_devices", guest.emulated_dma_devices);
  object("booted", guest.booted);
  object("boot_time", guest.linux.boot);
  object("kernel_release", guest.linux.kernel_release);
  object("hotplug", guest.linux.hotplug);
  object("block_size", guest.linux.block_size);
  object("online_policy", guest.linux.online_policy, policies);
  object("online_fails", guest.linux.online_fails);
  object("kernel_free", guest.linux.kernel_free);
  object("reclaimable", guest.linux.reclaimable);
  object("populated_per_second", guest.linux.populated_per_second);
  object("agent", guest.agent.conduct, conducts);
  object("agent_latency", guest.agent.latency);
  object.done();
  if (guest.memory < 64_MiB) {
    throw object.wrong("memory", "is too small", "a guest needs 64MiB or more");
  }
  if (guest.vcpus < 1) throw object.wrong("vcpus", "is 0", "a guest needs one or more");
  if (guest.linux.block_size < 128_MiB) {
    throw object.wrong("block_size", "is too small", "128MiB on small guests, 2GiB on large ones");
  }
  return guest;
}

using Act = void (*)(World&, const ScenarioAction&);
struct ActionKind {
  const char* name;
  bool guest;
  bool size;
  Act act;
};

DomainId subject(World& world, const ScenarioAction& action) {
  return world.guest(action.guest).id();
}

constexpr std::array action_kinds = {
    ActionKind{"mem-set", true, true,
               [](World& world, const ScenarioAction& action) {
                 static_cast<void>(world.mem_set(subject(world, action), action.size));
               }},
    ActionKind{"mem-max", true, true,
               [](World& world, const ScenarioAction& action) {
                 static_cast<void>(world.mem_max(subject(world, action), action.size));
               }},
    ActionKind{"claim", true, true,
               [](World& world, const ScenarioAction& action) {
                 static_cast<void>(world.claim(subject(world, action), action.size));
               }},
    ActionKind{"hold", true, true,
               [](World& world, const ScenarioAction& action) {
                 world.guest(action.guest).kernel().hold(action.size);
               }},
    ActionKind{"take-host-memory", false, true,
               [](World& world, const ScenarioAction& action) {
                 static_cast<void>(world.take_host_memory(action.size));
               }},
    ActionKind{"give-host-memory", false, true,
               [](World& world, const ScenarioAction& action) {
                 static_cast<void>(world.take_host_memory(-action.size));
               }},
    ActionKind{
        "reboot", true, false,
        [](World& world, const ScenarioAction& action) { world.reboot(subject(world, action)); }},
    ActionKind{
        "destroy", true, false,
        [](World& world, const ScenarioAction& action) { world.destroy(subject(world, action)); }},
    ActionKind{
        "crash", true, false,
        [](World& world, const ScenarioAction& action) { world.crash(subject(world, action)); }},
    ActionKind{
        "pause", true, false,
        [](World& world, const ScenarioAction& action) { world.pause(subject(world, action)); }},
    ActionKind{
        "unpause", true, false,
        [](World& world, const ScenarioAction& action) { world.unpause(subject(world, action)); }},
    ActionKind{"begin-save", true, false,
               [](World& world, const ScenarioAction& action) {
                 world.set_save_in_progress(subject(world, action), true);
               }},
    ActionKind{"end-save", true, false,
               [](World& world, const ScenarioAction& action) {
                 world.set_save_in_progress(subject(world, action), false);
               }},
    ActionKind{"kill-agent", true, false,
               [](World& world, const ScenarioAction& action) {
                 world.guest(action.guest).agent().kill();
               }},
};

ScenarioAction read_action(const Json& json, const std::string& where) {
  Object object{json, where};
  object.require("at");
  object.require("do");
  ScenarioAction action;
  object("at", action.at);
  object("do", action.what);
  const auto* kind = std::ranges::find_if(
      action_kinds, [&](const ActionKind& each) { return action.what == each.name; });
  if (kind == action_kinds.end()) {
    std::vector<std::string> names;
    for (const ActionKind& each : action_kinds) names.emplace_back(each.name);
    throw object.wrong("do", "is \"" + action.what + "\"", "allowed are " + listed(names));
  }
  if (kind->guest) object.require("guest");
  if (kind->guest) object("guest", action.guest);
  if (kind->size) object.require("size");
  if (kind->size) object("size", action.size);
  object.done();
  return action;
}

Scenario read(const Json& json) {
  Object object{json, ""};
  Scenario scenario;
  object("host", scenario.world.host);
  object("dom0", scenario.world.dom0);
  object("xen_minor", scenario.world.xen_minor);
  object("numa_nodes", scenario.world.numa_nodes);
  object("seed", scenario.world.seed);
  object("libxl_call", scenario.world.libxl_call);
  object("pace", scenario.pace);
  object.each("guests", [&](const Json& each, const std::string& where) {
    scenario.guests.push_back(read_guest(each, where));
  });
  object.each("actions", [&](const Json& each, const std::string& where) {
    scenario.actions.push_back(read_action(each, where));
  });
  object.done();
  for (const ScenarioAction& action : scenario.actions) {
    const bool known =
        action.guest.empty() ||
        std::ranges::find(scenario.guests, action.guest, &GuestSpec::name) != scenario.guests.end();
    if (!known) {
      throw Wrong{"no guest is called \"" + action.guest + "\"",
                  "an action names one of \"guests\""};
    }
  }
  return scenario;
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

Result<Scenario> parse_scenario(std::string_view json) {
  const Json parsed = Json::parse(json, nullptr, false, true);
  if (parsed.is_discarded()) {
    return Error{.cause = Cause::xen_unsupported,
                 .message = "the description of the simulated host is no JSON",
                 .hint = "look for a missing comma, quote or bracket"};
  }
  try {
    return read(parsed);
  } catch (const Wrong& wrong) {
    return Error{.cause = Cause::xen_unsupported,
                 .message = "simulated host: " + wrong.message,
                 .hint = wrong.hint};
  }
}

Result<Scenario> read_scenario(const std::string& file) {
  std::ifstream stream{file};
  std::ostringstream text;
  if (stream) text << stream.rdbuf();
  if (!stream) {
    return Error{.cause = Cause::xen_unsupported,
                 .message = "the file \"" + file +
                            "\" that describes a simulated host cannot be "
                            "read",
                 .hint = "name a file of JSON after sim:, or nothing for the demonstration"};
  }
  return parse_scenario(text.str());
}

Result<std::unique_ptr<World>> make_world(const Scenario& scenario) {
  auto world = std::make_unique<World>(scenario.world);
  for (const GuestSpec& guest : scenario.guests) {
    const auto added = world->try_add_guest(guest);
    if (!added) return added.error();
  }
  for (const ScenarioAction& action : scenario.actions) {
    const auto* kind = std::ranges::find_if(
        action_kinds, [&](const ActionKind& each) { return action.what == each.name; });
    world->after(action.at, [raw = world.get(), action, kind] {
      try {
        kind->act(*raw, action);
      } catch (const std::out_of_range&) {
        // The guest is gone by now: nothing to do it to.
      }
    });
  }
  return world;
}

}  // namespace memctl::host::sim
