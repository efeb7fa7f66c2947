// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/service.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "agent/process.hpp"
#include "agent/udev_rules.hpp"
#include "guest/message.hpp"

namespace memctl::agent {
namespace {

constexpr const char* hello_path = "data/memctl/hello";
constexpr const char* report_path = "data/memctl/report";
constexpr const char* mailbox_path = "data/memctl";
constexpr const char* request_path = "control/memctl/request";

/// Blocked before the watch's thread is made, so that it inherits this.
Fd take_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  return Fd{::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK)};
}

AgentHello make_hello(const Kernel& kernel, const std::string& root) {
  const KernelFacts facts = kernel.facts();
  const auto policy = kernel.policy();
  const UdevRule rule = find_udev_rule(root).value_or(UdevRule{});
  utsname system{};
  ::uname(&system);
  return {.protocol_min = guest::protocol_min,
          .protocol_max = guest::protocol_max,
          .agent_version = MEMCTL_VERSION,
          .kernel_release = system.release,
          .kernel_build = kernel.signature().value_or(system.version),
          .machine = system.machine,
          .block_size = facts.block_size,
          .hotplug = facts.hotplug,
          .no_hotplug_reason = facts.no_hotplug_reason,
          .online_policy = policy ? name(*policy) : "",
          .instance = random_instance(),
          .udev_rule = rule.file,
          .udev_rule_action = rule.action};
}

/// A connection that is of no further use, not a refusal of one call.
bool is_fatal(int error) {
  return error == EBADF || error == EPIPE || error == ECONNRESET || error == EIO ||
         error == ENOTCONN || error == ENODEV;
}

int milliseconds_until(std::optional<Time> wake) {
  if (!wake) return -1;
  return static_cast<int>(std::clamp<std::int64_t>((*wake - boot_time()).count(), 0, 60'000));
}

}  // namespace

Service::Service(const Options& options, std::unique_ptr<XenstoreLink> link)
    : root_{options.root},
      kernel_{options.root},
      records_{options.run_directory},
      link_{std::move(link)},
      signals_{take_signals()},
      core_{kernel_,
            records_,
            {.publish = [this](const AgentReport& report) { send(report); },
             .log = &log_line,
             .free_memory = &free_memory},
            boot_time()} {
  if (!uevents_.available()) log_line("no uevents: memory is looked at by the clock alone");
}

int Service::run() {
  const AgentHello hello = make_hello(kernel_, root_);
  hello_ = guest::encode(hello);
  if (!announce()) return 1;
  log_line(hello.hotplug ? "ready" : "ready; memory cannot be added: " + hello.no_hotplug_reason);
  bool absent = false;
  core_.start(read_request(absent), boot_time());
  if (const int error = link_->watch(request_path)) {
    log_line(std::string{"cannot watch for requests: "} + std::strerror(error));
    return 1;
  }

  while (ending_ == Ending::none) {
    if (core_.serving() != uevents_.listening()) {
      uevents_.listen(core_.serving());
      if (uevents_.listening()) core_.memory_changed(boot_time());  // what came before
    }
    std::array<pollfd, 3> sources{pollfd{link_->fd(), POLLIN, 0}, pollfd{signals_.get(), POLLIN, 0},
                                  pollfd{uevents_.fd(), POLLIN, 0}};
    const int ready = ::poll(sources.data(), sources.size(), milliseconds_until(core_.next_wake()));
    if (ready < 0 && errno != EINTR) return 1;
    if (ready > 0) {
      if (sources[0].revents != 0) look_at_mailbox();
      if (sources[1].revents != 0) look_at_signals();
      if (sources[2].revents != 0 && uevents_.drain()) core_.memory_changed(boot_time());
    }
    core_.tick(boot_time());
  }

  core_.stop();
  if (ending_ == Ending::lost) return 1;
  link_->remove(mailbox_path);
  log_line("stopped");
  return 0;
}

bool Service::announce() {
  if (const int error = link_->write(hello_path, hello_)) {
    log_line(std::string{"cannot write "} + hello_path + ": " + std::strerror(error));
    return false;
  }
  return true;
}

std::optional<AgentRequest> Service::read_request(bool& absent) {
  int error = 0;
  const auto value = link_->read(request_path, error);
  absent = !value && error == 0;
  if (error != 0 && is_fatal(error)) lose(request_path, error);
  if (!value) return std::nullopt;
  const auto request = guest::decode_request(*value);
  const bool understood = request && request->protocol >= guest::protocol_min &&
                          request->protocol <= guest::protocol_max;
  if (!understood && !value->empty() && *value != last_request_) {
    log_line(request ? "a request of another protocol version was ignored"
                     : "a request that cannot be read was ignored");
  }
  last_request_ = *value;
  return understood ? request : std::nullopt;
}

// The kernel registers the watch again after a restore or migration, and it then fires: the one
// sign that the guest stands in another xenstore, where nobody has heard of the agent.
void Service::look_at_mailbox() {
  if (const int error = link_->drain()) return lose(request_path, error);
  int error = 0;
  const auto standing_hello = link_->read(hello_path, error);
  if (error != 0 && is_fatal(error)) return lose(hello_path, error);
  if (standing_hello != hello_) {
    if (!announce()) return;
    log_line("announced again");
  }
  bool absent = false;
  const auto request = read_request(absent);
  if (!standing_hello && error == 0) {
    core_.mailbox_replaced(request, boot_time());
  } else if (request) {
    core_.request(*request, boot_time());
  } else if (absent) {
    core_.request_absent();
  }
}

void Service::look_at_signals() {
  signalfd_siginfo signal{};
  while (::read(signals_.get(), &signal, sizeof signal) == sizeof signal) {
    if (signal.ssi_signo == SIGHUP) {
      look_at_mailbox();
    } else {
      end(Ending::clean);
    }
  }
}

void Service::send(const AgentReport& report) {
  const int error = link_->write(report_path, guest::encode(report));
  if (error != 0 && error != write_error_) {
    log_line(std::string{"cannot write "} + report_path + ": " + std::strerror(error));
  }
  write_error_ = error;
  if (is_fatal(error)) lose(report_path, error);
}

void Service::lose(const char* where, int error) {
  if (ending_ == Ending::none) {
    log_line(std::string{"the connection to xenstore is lost at "} + where + ": " +
             std::strerror(error));
  }
  end(Ending::lost);
}

void Service::end(Ending ending) {
  if (ending_ != Ending::lost) ending_ = ending;
}

}  // namespace memctl::agent
