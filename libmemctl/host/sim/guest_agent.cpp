// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/sim/guest_agent.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace memctl::host::sim {

GuestAgent::Running::Running(GuestAgent& agent, bool holds_ballast)
    : ballast{agent.linux_, holds_ballast},
      mailbox{agent.store_, agent, agent.make_hello()},
      core{{.kernel = agent.kernel_,
            .ballast = ballast,
            .records = agent.record_,
            .outbox = mailbox,
            .process = agent}} {}

GuestAgent::GuestAgent(GuestTime& time, StoreModel& store, LinuxGuest& linux, AgentSpec spec,
                       std::uint64_t seed)
    : time_{time},
      tree_{store},
      linux_{linux},
      spec_{std::move(spec)},
      random_{seed},
      booted_{time.clock().now()},
      kernel_{linux},
      store_{time, store, spec_.conduct, spec_.report_latency, seed},
      mailbox_due_{time},
      uevent_due_{time},
      wake_{time} {}

void GuestAgent::start(DomainId domain) {
  domain_ = domain;
  store_.move_to(domain);
  end_process();
  if (spec_.conduct == AgentConduct::absent) return;
  // The first agent starts with its guest, and gets its ballast before other processes take memory.
  const bool holds_ballast = starts_++ == 0;
  running_ = std::make_unique<Running>(*this, holds_ballast);
  if (!running_->mailbox.announce() || spec_.conduct == AgentConduct::killed) return end_process();
  running_->mailbox.start(running_->core);
  watch();
  settle();
}

void GuestAgent::move_to(DomainId domain) {
  domain_ = domain;
  store_.move_to(domain);
  if (running_) watch();
}

void GuestAgent::set_conduct(AgentConduct conduct) {
  const bool was_absent = spec_.conduct == AgentConduct::absent;
  spec_.conduct = conduct;
  if (conduct == AgentConduct::killed || conduct == AgentConduct::absent) end_process();
  if (was_absent && linux_.life() == LinuxGuest::Life::running) start(domain_);
}

void GuestAgent::end_process() {
  request_watch_.reset();
  mailbox_due_.cancel();
  uevent_due_.cancel();
  wake_.cancel();
  running_.reset();
}

agent::Time GuestAgent::now() const {
  return std::chrono::duration_cast<agent::Time>(time_.clock().now() - booted_);
}

AgentHello GuestAgent::make_hello() {
  AgentHello hello = agent::hello_of(kernel_);
  hello.protocol_min = spec_.protocol_min;
  hello.protocol_max = spec_.protocol_max;
  hello.agent_version = spec_.version;
  hello.instance = std::to_string(random_()) + "-" + std::to_string(starts_);
  hello.udev_rule = linux_.spec().udev_rule;
  hello.udev_rule_action = linux_.spec().udev_rule_action;
  return hello;
}

void GuestAgent::watch() {
  const auto look = [this] {
    running_->mailbox.look(running_->core);
    settle();
  };
  const auto fire = [this, look] {
    if (!mailbox_due_.pending()) mailbox_due_.set(spec_.latency, look);
  };
  request_watch_ =
      tree_.watch(store_.path_of(agent::request_path), [fire](const auto&) { fire(); });
  fire();  // a new watch fires once
}

void GuestAgent::on_uevent() {
  if (!running_ || !running_->hears_uevents || uevent_due_.pending()) return;
  uevent_due_.set(spec_.latency, [this] {
    running_->core.memory_changed();
    settle();
  });
}

/// Does what the real agent does before it waits again.
void GuestAgent::settle() {
  agent::AgentCore& core = running_->core;
  const bool missed_some = core.serving() && !running_->hears_uevents;
  running_->hears_uevents = core.serving();
  if (missed_some) core.memory_changed();
  const auto wake = core.next_wake();
  if (!wake) return wake_.cancel();
  wake_.set(std::max<Duration>(booted_ + *wake - time_.clock().now(), Duration{}), [this] {
    running_->core.tick();
    settle();
  });
}

}  // namespace memctl::host::sim
