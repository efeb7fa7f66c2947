// SPDX-License-Identifier: LGPL-2.1-or-later
#include "patient.hpp"

#include <chrono>
#include <memory>
#include <new>
#include <ostream>
#include <stdexcept>
#include <utility>

#include "resize/operation.hpp"
#include "resize/recover.hpp"

namespace memctl::faults {
namespace {

using host::sim::dom0;
using host::sim::SimPort;
using host::sim::StoreModel;
using test::FaultPlan;
using test::FaultyPort;

std::string described(const StoreModel& store, const std::string& path) {
  std::string text = store.read(dom0, path).value().value_or("");
  for (const auto& permission : store.permissions(path)) {
    text += " " + std::to_string(number(permission.domain)) + (permission.read ? "r" : "-") +
            (permission.write ? "w" : "-");
  }
  return text;
}

void walk(const StoreModel& store, const std::string& path,
          std::map<std::string, std::string>& tree) {
  const auto names = store.list(dom0, path.empty() ? "/" : path).value();
  for (const std::string& name : names) {
    const std::string below = std::string{path}.append("/").append(name);
    tree.emplace(below, described(store, below));
    walk(store, below, tree);
  }
}

/// How far the limit lies above the size before the treatment.
constexpr Kib spare_limit = 300_MiB;

host::sim::GuestSpec guest_of(const Treatment& treatment) {
  host::sim::GuestSpec spec{
      .name = "g", .type = treatment.type, .linux = {.kernel_free = treatment.kernel_free}};
  if (treatment.freeze_pool) {
    spec.freeze_pool = true;
    spec.pool = host::sim::libxl_pool(spec.memory + spare_limit, spec.vcpus, spec.hap);
  }
  return spec;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Treatment& treatment) {
  return out << treatment.name;
}

std::ostream& operator<<(std::ostream& out, const State& state) {
  const auto show = [](std::optional<Kib> size) { return size ? to_string(*size) : "nothing"; };
  out << "max_pages " << to_string(state.max_pages) << ", static-max " << show(state.limit)
      << ", target " << show(state.target) << ", claimed " << to_string(state.claimed)
      << ", policy " << state.online_policy;
  for (const auto& [path, value] : state.tree) out << "\n  " << path << " " << value;
  return out;
}

Patient::Patient(const Treatment& treatment)
    : treatment_{treatment},
      id_{world().add_guest(guest_of(treatment))},
      identity_{world().toolstack().find(id_)->identity} {
  for (const Kib size : treatment.before) {
    resize::ResizeOperation operation{simulation_.port(), identity_, size, {}};
    if (!simulation_.run(operation.run())) throw std::logic_error{"cannot be prepared"};
  }
  // As after `xl mem-max`: max_pages does not follow from static-max.
  const Kib size = world().target(id_).value();
  if (!world().mem_max(id_, size + spare_limit) || !world().mem_set(id_, size)) {
    throw std::logic_error{"cannot be prepared"};
  }
  world().advance(std::chrono::seconds{1});  // the agent restores the policy
}

template <class Ended, class Make>
Ended Patient::in_a_process(FaultPlan& faults, Make make) {
  Ended ended;
  auto process = std::make_unique<SimPort>(world());
  FaultyPort port{*process, world(), faults};
  try {
    make(port, ended);
  } catch (const test::ProcessKilled&) {
    ended.killed = true;
  } catch (const std::bad_alloc&) {
    ended.threw = true;
  }
  ended.calls = faults.calls();
  ended.times = faults.times();
  if (!ended.killed) living_.push_back(std::move(process));
  return ended;
}

Patient::Ended Patient::treat(FaultPlan faults) {
  return in_a_process<Ended>(faults, [&](host::Port& port, Ended& ended) {
    resize::ResizeOperation operation{port, identity_, treatment_.size, treatment_.options};
    ended.report = simulation_.run(operation.run());
  });
}

Patient::Recovered Patient::recover(FaultPlan faults) {
  return in_a_process<Recovered>(faults, [&](host::Port& port, Recovered& ended) {
    ended.result = simulation_.run(resize::recover(port, identity_, {}));
  });
}

State Patient::state() {
  State state{.max_pages = world().max_pages(id_),
              .limit = world().limit(id_),
              .target = world().target(id_),
              .claimed = world().host_claimed(),
              .online_policy = guest().kernel().spec().online_policy};
  walk(world().store(), "", state.tree);
  const std::string home = host::sim::domain_path(id_);
  std::erase_if(state.tree, [&](const auto& node) {
    const std::string& path = node.first;
    const bool mailbox =
        path.starts_with(home + "/data/memctl") || path.starts_with(home + "/control/memctl");
    const bool vm_memory = path.starts_with("/vm/") && path.ends_with("/memory");
    return mailbox || vm_memory || path == home + "/memory/target" ||
           path == home + "/memory/static-max";
  });
  return state;
}

std::optional<Kib> Patient::frozen_pool() { return world().toolstack().find(id_)->frozen_pool; }

Kib Patient::pool_of_its_limit() {
  const auto& record = *world().toolstack().find(id_);
  return host::sim::libxl_pool(*world().limit(id_), record.vcpus, record.hap);
}

bool Patient::has_record() {
  const std::string path = "/libxl/" + std::to_string(number(id_)) + "/memctl";
  return world().store().read(dom0, path).value().has_value();
}

bool Patient::agent_answers() {
  const auto status = simulation_.run(resize::status_of(simulation_.port(), identity_, {}));
  return status && status.value().agent.has_value();
}

}  // namespace memctl::faults
