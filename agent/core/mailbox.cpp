// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/core/mailbox.hpp"

#include <cstring>

#include "guest/message.hpp"

namespace memctl::agent {

AgentHello hello_of(const Kernel& kernel) {
  const KernelFacts facts = kernel.facts();
  const auto policy = kernel.policy();
  return {.protocol_min = guest::protocol_min,
          .protocol_max = guest::protocol_max,
          .kernel_release = facts.release,
          .kernel_build = facts.build,
          .machine = facts.machine,
          .block_size = facts.block_size,
          .hotplug = facts.hotplug,
          .no_hotplug_reason = facts.no_hotplug_reason,
          .online_policy = policy ? name(*policy) : ""};
}

Mailbox::Mailbox(GuestStore& store, Process& process, const AgentHello& hello)
    : store_{store},
      process_{process},
      protocol_min_{hello.protocol_min},
      protocol_max_{hello.protocol_max},
      hello_{guest::encode(hello)} {}

bool Mailbox::announce() {
  const int error = store_.write(hello_path, hello_);
  if (error != 0) log_failure(hello_path, error);
  return error == 0;
}

void Mailbox::start(AgentCore& core) {
  bool absent = false;
  core.start(read_request(absent));
}

// After a restore or migration the kernel registers the watch again, and the watch fires. This is
// the only sign that the guest has another xenstore, which does not have the agent's hello.
void Mailbox::look(AgentCore& core) {
  int error = 0;
  const auto standing_hello = store_.read(hello_path, error);
  if (standing_hello != hello_) {
    if (!announce()) return;
    process_.log("announced again");
  }
  bool absent = false;
  const auto request = read_request(absent);
  if (!standing_hello && error == 0) {
    core.mailbox_replaced(request);
  } else if (request) {
    core.request(*request);
  } else if (absent) {
    core.request_absent();
  }
}

std::optional<AgentRequest> Mailbox::read_request(bool& absent) {
  int error = 0;
  const auto value = store_.read(request_path, error);
  absent = !value && error == 0;
  if (!value) return std::nullopt;
  const auto request = guest::decode_request(*value);
  const bool understood =
      request && request->protocol >= protocol_min_ && request->protocol <= protocol_max_;
  if (!understood && !value->empty() && *value != last_request_) {
    process_.log(request ? "a request of another protocol version was ignored"
                         : "a request that cannot be read was ignored");
  }
  last_request_ = *value;
  return understood ? request : std::nullopt;
}

void Mailbox::publish(const AgentReport& report) {
  const int error = store_.write(report_path, guest::encode(report));
  if (error != 0 && error != write_error_) log_failure(report_path, error);
  write_error_ = error;
}

void Mailbox::log_failure(const char* path, int error) {
  process_.log(std::string{"cannot write "} + path + ": " + std::strerror(error));
}

}  // namespace memctl::agent
