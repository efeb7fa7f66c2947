// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/sim/agent_model.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "guest/message.hpp"

namespace memctl::host::sim {
namespace {

constexpr Duration flood_interval = std::chrono::microseconds{200};
constexpr Kib balloon_slack = 64_KiB;  // some kernels leave a balloon a few pages off its target
constexpr Kib ballast_size = 4_MiB;
constexpr Kib ballast_plenty = 32_MiB;                    // taken only where so much is free
constexpr Duration fold = std::chrono::milliseconds{50};  // changes within it make one report

}  // namespace

AgentModel::AgentModel(GuestTime& time, StoreModel& store, LinuxGuest& kernel, AgentSpec spec,
                       std::uint64_t seed)
    : time_{time},
      store_{store},
      kernel_{kernel},
      spec_{std::move(spec)},
      random_{seed},
      ballast_{spec_.conduct == AgentConduct::normal ? ballast_size : Kib{}},
      answer_{time},
      regular_{time},
      change_{time},
      lease_{time} {}

void AgentModel::start(DomainId domain) {
  if (domain != domain_) {  // whoever wrote the requests before a restore is gone
    end_operation();
    last_request_ = 0;
  }
  domain_ = domain;
  home_ = "/local/domain/" + std::to_string(number(domain));
  if (spec_.conduct == AgentConduct::absent) return;
  ++starts_;
  take_ballast();
  answer_.set(spec_.latency, [this] { read_request(); });  // a new watch fires once
  request_watch_ = store_.watch(home_ + "/control/memctl/request", [this](const auto&) {
    if (!answer_.pending()) answer_.set(spec_.latency, [this] { read_request(); });
  });
  if (spec_.conduct == AgentConduct::garbage) {
    write("hello", garbage());
    return;
  }
  write("hello", guest::encode(AgentHello{
                     .protocol_min = spec_.protocol_min,
                     .protocol_max = spec_.protocol_max,
                     .agent_version = spec_.version,
                     .kernel_release = kernel_.spec().kernel_release,
                     .kernel_build = kernel_.spec().kernel_build,
                     .machine = kernel_.spec().machine,
                     .block_size = kernel_.spec().block_size,
                     .hotplug = kernel_.spec().hotplug,
                     .no_hotplug_reason =
                         kernel_.spec().hotplug ? "" : "no CONFIG_XEN_BALLOON_MEMORY_HOTPLUG",
                     .online_policy = kernel_.spec().online_policy,
                     .instance = std::to_string(random_()) + "-" + std::to_string(starts_),
                     .udev_rule = kernel_.spec().udev_rule,
                     .udev_rule_action = kernel_.spec().udev_rule_action}));
}

void AgentModel::set_conduct(AgentConduct conduct) {
  const bool was_absent = spec_.conduct == AgentConduct::absent;
  spec_.conduct = conduct;
  if (conduct == AgentConduct::killed) lend_ballast();
  if (was_absent && conduct != AgentConduct::absent &&
      kernel_.life() == LinuxGuest::Life::running) {
    start(domain_);
  }
}

void AgentModel::read_request() {
  const auto value = store_.read(domain_, home_ + "/control/memctl/request");
  if (!value) return;
  if (!value.value()) {
    last_request_ = 0;  // whoever asks next may begin anew
    return;
  }
  const auto request = guest::decode_request(*value.value());
  if (!request) return;
  if (request->operation == last_operation_ && request->sequence <= last_request_) return;
  if (request->protocol < spec_.protocol_min || request->protocol > spec_.protocol_max) return;
  if (spec_.conduct == AgentConduct::normal) {
    last_request_ = request->sequence;
    last_operation_ = request->operation;
    carry_out(*request);
  } else {
    misbehave(*request);
  }
}

void AgentModel::carry_out(const AgentRequest& request) {
  const bool serves_it = serving_ && operation_ == request.operation;
  switch (request.kind) {
    case RequestKind::observe:
      if (serves_it) renew_lease(request);
      report(phase(), request.operation);
      if (!serves_it) on_change();  // its report took the place of the one that is served
      break;
    case RequestKind::prepare:
      renew_lease(request);
      prepare(request);
      break;
    case RequestKind::release:
      end_operation();
      report(AgentPhase::released, request.operation);
      break;
  }
}

void AgentModel::prepare(const AgentRequest& request) {
  // An operation that is taken over was cut short: the policy before it is the one to come back.
  if (!serving_) policy_before_ = kernel_.spec().online_policy;
  if (!serving_ || operation_ != request.operation) blocks_before_ = kernel_.blocks_present();
  serving_ = true;
  operation_ = request.operation;
  movable_ = request.online == OnlineZone::movable;
  lend_ballast();
  kernel_.set_online_policy(policy());
  online_blocks();
  report(phase(), operation_);
  report_regularly();
}

std::string AgentModel::policy() const { return movable_ ? "online_movable" : "online_kernel"; }

void AgentModel::online_blocks() {
  error_ = kernel_.online_blocks(movable_) ? "" : "memory2: Invalid argument";
}

void AgentModel::end_operation() {
  if (serving_ && kernel_.spec().online_policy == policy()) {
    kernel_.set_online_policy(policy_before_);
  }
  serving_ = false;
  regular_.cancel();
  change_.cancel();
  lease_.cancel();
  take_ballast();
}

void AgentModel::take_ballast() {
  const bool lives = kernel_.life() == LinuxGuest::Life::running;
  const bool plenty = kernel_.memory().kernel_free() >= ballast_plenty;
  if (spec_.conduct != AgentConduct::normal || !lives || !plenty || ballast_ > Kib{}) return;
  ballast_ = ballast_size;
  kernel_.lock(ballast_);
}

void AgentModel::lend_ballast() { kernel_.lock(-std::exchange(ballast_, Kib{})); }

void AgentModel::renew_lease(const AgentRequest& request) {
  served_request_ = request.sequence;
  lease_.set(std::chrono::seconds{request.lease_seconds}, [this] { end_operation(); });
}

void AgentModel::on_change() {
  if (!serving_ || spec_.conduct != AgentConduct::normal || change_.pending()) return;
  const Duration since_report = time_.clock().now() - reported_at_;
  change_.set(std::max<Duration>(spec_.latency, fold - since_report), [this] {
    if (spec_.conduct != AgentConduct::normal || !serving_) return;
    online_blocks();
    report(phase(), operation_);
  });
}

void AgentModel::report_regularly() {
  regular_.set(spec_.interval, [this] {
    if (spec_.conduct != AgentConduct::normal || !serving_) return;
    report(phase(), operation_);
    report_regularly();
  });
}

AgentPhase AgentModel::phase() const {
  if (!serving_) return AgentPhase::idle;
  const Kib distance = kernel_.balloon_target() - kernel_.balloon_current();
  const bool moving = distance > balloon_slack || -distance > balloon_slack;
  return moving || kernel_.blocks_offline() > 0 ? AgentPhase::growing : AgentPhase::ready;
}

AgentReport AgentModel::observe(AgentPhase phase, std::uint64_t operation) {
  const GuestMemory& memory = kernel_.memory();
  const std::int64_t present = kernel_.blocks_present();
  const std::int64_t offline = kernel_.blocks_offline();
  const std::int64_t added = serving_ ? present - blocks_before_ : 0;
  const double pressure = kernel_.pressure();
  return {.operation = operation,
          .request = operation == last_operation_ ? last_request_ : served_request_,
          .sequence = ++sequence_,
          .phase = phase,
          .blocks_present = present,
          .blocks_online = present - offline,
          .blocks_added = added,
          .blocks_added_offline = std::min(added, offline),
          .blocks_movable = kernel_.blocks_movable(),
          .mem_total = memory.total(),
          .mem_available = memory.available() + ballast_,
          .kernel_zone_free = memory.kernel_free() + ballast_,
          .kernel_zone_reclaimable = memory.reclaimable(),
          .pressure_some_avg10 = pressure,
          .pressure_full_avg10 = pressure / 2,
          .balloon_target = kernel_.balloon_target(),
          .balloon_current = kernel_.balloon_current(),
          .balloon_inflated = kernel_.balloon_inflated(),
          .error = serving_ ? error_ : ""};
}

void AgentModel::report(AgentPhase phase, std::uint64_t operation) {
  AgentReport report = observe(phase, operation);
  reported_at_ = time_.clock().now();
  if (distort) distort(report);
  write("report", guest::encode(report));
}

void AgentModel::misbehave(const AgentRequest& request) {
  last_request_ = request.sequence;
  last_operation_ = request.operation;
  operation_ = request.operation;
  switch (spec_.conduct) {
    case AgentConduct::garbage:
      write("report", garbage());
      break;
    case AgentConduct::huge: {
      AgentReport report = observe(AgentPhase::ready, operation_);
      report.blocks_online = std::numeric_limits<std::int64_t>::max();
      report.mem_total = Kib{std::numeric_limits<std::int64_t>::max()};
      report.kernel_zone_free = Kib{std::numeric_limits<std::int64_t>::max()};
      write("report", guest::encode(report));
      break;
    }
    case AgentConduct::lying:
      lie(request);
      break;
    case AgentConduct::stale: {
      AgentReport report = observe(AgentPhase::ready, operation_);
      report.sequence = 1;
      report.request = request.sequence - 1;
      write("report", guest::encode(report));
      break;
    }
    case AgentConduct::flooding:
      report(AgentPhase::ready, operation_);
      regular_.set(flood_interval, [this, request] { misbehave(request); });
      break;
    case AgentConduct::deleting:
      static_cast<void>(store_.remove(domain_, home_ + "/data/memctl/hello"));
      static_cast<void>(store_.remove(domain_, home_ + "/data/memctl/report"));
      break;
    case AgentConduct::fleeting:
      static_cast<void>(store_.remove(domain_, home_ + "/data/memctl/hello"));
      report(AgentPhase::ready, operation_);
      break;
    case AgentConduct::normal:
    case AgentConduct::absent:
    case AgentConduct::killed:
      break;
  }
}

/// All is there that was asked for, and there is room without end.
void AgentModel::lie(const AgentRequest& request) {
  const bool released = request.kind == RequestKind::release;
  AgentReport report =
      observe(released ? AgentPhase::released : AgentPhase::ready, request.operation);
  report.mem_total = std::max(report.mem_total, request.target);
  report.mem_available = report.mem_total;
  report.kernel_zone_free = report.mem_total;
  report.balloon_current = report.mem_total;
  report.blocks_added_offline = 0;
  write("report", guest::encode(report));
}

void AgentModel::write(const std::string& node, const std::string& value) {
  // A guest's write can fail (quota, a removed directory); it then reaches nobody.
  static_cast<void>(store_.write(domain_, home_ + "/data/memctl/" + node, value));
  if (node == "report") ++reports_written_;
}

std::string AgentModel::garbage() {
  std::string bytes(random_() % 1900, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random_());
  return bytes;
}

}  // namespace memctl::host::sim
