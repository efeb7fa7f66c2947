// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/sim/scenario_action.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <stdexcept>
#include <vector>

namespace memctl::host::sim {
namespace {

using Act = Result<void> (*)(World&, const ScenarioAction&);
struct ActionKind {
  const char* name;
  bool guest;
  bool size;
  Act act;
};

DomainId subject(World& world, const ScenarioAction& action) {
  return world.guest(action.guest).id();
}

Result<void> refused_with(Errno code, const ScenarioAction& action) {
  if (code == 0) return success();
  return Error{.cause = Cause::hypervisor_error,
               .message = action.what + " of " + action.guest + " is refused",
               .raw = code};
}

/// An action that changes one guest and cannot fail.
template <void (*change)(World&, DomainId, Kib)>
Result<void> done(World& world, const ScenarioAction& action) {
  change(world, subject(world, action), action.size);
  return success();
}

constexpr std::array action_kinds = {
    ActionKind{"mem-set", true, true,
               [](World& world, const ScenarioAction& action) {
                 return world.mem_set(subject(world, action), action.size);
               }},
    ActionKind{"mem-max", true, true,
               [](World& world, const ScenarioAction& action) {
                 return world.mem_max(subject(world, action), action.size);
               }},
    ActionKind{"write-target", true, true,
               [](World& world, const ScenarioAction& action) {
                 return world.write_target(subject(world, action), action.size);
               }},
    ActionKind{"write-static-max", true, true,
               [](World& world, const ScenarioAction& action) {
                 return world.write_limit(subject(world, action), action.size);
               }},
    ActionKind{"set-max-pages", true, true,
               done<[](World& world, DomainId id, Kib size) { world.set_max_pages(id, size); }>},
    ActionKind{"claim", true, true,
               [](World& world, const ScenarioAction& action) {
                 return refused_with(world.claim(subject(world, action), action.size), action);
               }},
    ActionKind{"set-pool", true, true,
               [](World& world, const ScenarioAction& action) {
                 return refused_with(world.set_pool(subject(world, action), action.size), action);
               }},
    ActionKind{
        "hold", true, true,
        done<[](World& world, DomainId id, Kib size) { world.guest(id).kernel().hold(size); }>},
    ActionKind{"release", true, false, done<[](World& world, DomainId id, Kib) {
                 LinuxGuest& kernel = world.guest(id).kernel();
                 kernel.hold(-kernel.memory().hog());
               }>},
    ActionKind{"fill", true, true, done<[](World& world, DomainId id, Kib size) {
                 world.guest(id).kernel().memory().use(size);
               }>},
    ActionKind{"take-host-memory", false, true,
               [](World& world, const ScenarioAction& action) -> Result<void> {
                 static_cast<void>(world.take_host_memory(action.size));
                 return success();
               }},
    ActionKind{"give-host-memory", false, true,
               [](World& world, const ScenarioAction& action) -> Result<void> {
                 static_cast<void>(world.take_host_memory(-action.size));
                 return success();
               }},
    ActionKind{"reboot", true, false,
               [](World& world, const ScenarioAction& action) -> Result<void> {
                 BOOST_OUTCOME_TRY(world.try_reboot(subject(world, action)));
                 return success();
               }},
    ActionKind{"save-restore", true, false,
               [](World& world, const ScenarioAction& action) -> Result<void> {
                 BOOST_OUTCOME_TRY(world.save_and_restore(subject(world, action)));
                 return success();
               }},
    ActionKind{"destroy", true, false,
               done<[](World& world, DomainId id, Kib) { world.destroy(id); }>},
    ActionKind{"crash", true, false, done<[](World& world, DomainId id, Kib) { world.crash(id); }>},
    ActionKind{"pause", true, false, done<[](World& world, DomainId id, Kib) { world.pause(id); }>},
    ActionKind{"unpause", true, false,
               done<[](World& world, DomainId id, Kib) { world.unpause(id); }>},
    ActionKind{"begin-save", true, false,
               done<[](World& world, DomainId id, Kib) { world.set_save_in_progress(id, true); }>},
    ActionKind{"end-save", true, false,
               done<[](World& world, DomainId id, Kib) { world.set_save_in_progress(id, false); }>},
    ActionKind{"hold-libxl-lock", true, false, done<[](World& world, DomainId id, Kib) {
                 world.hold_libxl_lock(id, std::chrono::hours{24});
               }>},
    ActionKind{"kill-agent", true, false,
               done<[](World& world, DomainId id, Kib) { world.guest(id).agent().kill(); }>},
};

const ActionKind* find_kind(const std::string& what) {
  const auto* kind =
      std::ranges::find_if(action_kinds, [&](const ActionKind& each) { return what == each.name; });
  return kind == action_kinds.end() ? nullptr : kind;
}

}  // namespace

ScenarioAction read_action(const Json& json, const std::string& where) {
  JsonObject object{json, where};
  object.require("do");
  ScenarioAction action;
  object("at", action.at);
  object("do", action.what);
  const ActionKind* kind = find_kind(action.what);
  if (kind == nullptr) {
    std::vector<std::string> names;
    names.reserve(action_kinds.size());
    for (const ActionKind& each : action_kinds) names.emplace_back(each.name);
    throw object.wrong("do", "is \"" + shown(action.what) + "\"",
                       "allowed are " + JsonObject::listed(names));
  }
  if (kind->guest) object.require("guest");
  if (kind->guest) object("guest", action.guest);
  if (kind->size) object.require("size");
  if (kind->size) object("size", action.size);
  object.done();
  return action;
}

Result<void> perform(World& world, const ScenarioAction& action) {
  const ActionKind* kind = find_kind(action.what);
  try {
    return kind->act(world, action);
  } catch (const std::out_of_range&) {
    return Error{.cause = Cause::no_such_domain,
                 .message = "no guest is called \"" + shown(action.guest) + "\""};
  }
}

}  // namespace memctl::host::sim
