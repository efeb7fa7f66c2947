// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/service.hpp"

#include <poll.h>
#include <sys/signalfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <utility>

#include "agent/udev_rules.hpp"
#include "memctl/version.hpp"

namespace memctl::agent {
namespace {

/// Blocks the signals. Returns a descriptor from which they are read.
Fd take_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  return Fd{::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK)};
}

int milliseconds_until(std::optional<Time> wake) {
  if (!wake) return -1;
  return static_cast<int>(std::clamp<std::int64_t>((*wake - boot_time()).count(), 0, 60'000));
}

}  // namespace

Service::Service(const Options& options, Fd xenstore)
    : kernel_{options.root},
      records_{options.run_directory},
      link_{XenstoreConnection{std::move(xenstore)}},
      signals_{take_signals()},
      hello_{make_hello(options.root)},
      mailbox_{link_, process_, hello_},
      core_{{.kernel = kernel_,
             .ballast = ballast_,
             .records = records_,
             .outbox = mailbox_,
             .process = process_}} {
  if (!uevents_.available()) log_line("no uevents: memory is looked at by the clock alone");
}

AgentHello Service::make_hello(const std::string& root) const {
  const UdevRule rule = find_udev_rule(root).value_or(UdevRule{});
  AgentHello hello = hello_of(kernel_);
  hello.agent_version = MEMCTL_VERSION_STRING;
  hello.instance = random_instance();
  hello.udev_rule = rule.file;
  hello.udev_rule_action = rule.action;
  return hello;
}

int Service::run() {
  if (!mailbox_.announce()) return 1;
  log_line(hello_.hotplug ? "ready" : "ready; memory cannot be added: " + hello_.no_hotplug_reason);
  mailbox_.start(core_);
  if (const int error = link_.watch(request_path)) {
    log_line(std::string{"cannot watch for requests: "} + std::strerror(error));
    return 1;
  }
  const bool clean = serve();
  core_.stop();
  if (const auto& loss = link_.lost()) {
    log_line("the connection to xenstore is lost at " + loss->path + ": " +
             std::strerror(loss->error));
  }
  if (!clean) return 1;
  mailbox_.clear();
  log_line("stopped");
  return 0;
}

bool Service::serve() {
  while (!told_to_end_) {
    if (link_.lost()) return false;
    if (core_.serving() != uevents_.listening()) {
      uevents_.listen(core_.serving());
      if (uevents_.listening()) core_.memory_changed();  // events before this were not heard
    }
    std::array<pollfd, 3> sources{pollfd{link_.fd(), POLLIN, 0}, pollfd{signals_.get(), POLLIN, 0},
                                  pollfd{uevents_.fd(), POLLIN, 0}};
    // An event that came before the reply to a request is read already, and wakes no poll.
    const bool fired = link_.has_fired();
    const int wait = fired ? 0 : milliseconds_until(core_.next_wake());
    const int ready = ::poll(sources.data(), sources.size(), wait);
    if (ready < 0 && errno != EINTR) return false;
    if (ready > 0 || fired) {
      if (sources[0].revents != 0 || fired) look_at_mailbox();
      if (sources[1].revents != 0) look_at_signals();
      if (sources[2].revents != 0 && uevents_.drain()) core_.memory_changed();
    }
    core_.tick();
  }
  return !link_.lost();
}

void Service::look_at_mailbox() {
  link_.drain();
  if (!link_.lost()) mailbox_.look(core_);
}

void Service::look_at_signals() {
  signalfd_siginfo signal{};
  while (::read(signals_.get(), &signal, sizeof signal) == sizeof signal) {
    if (signal.ssi_signo == SIGHUP) {
      look_at_mailbox();
    } else {
      told_to_end_ = true;
    }
  }
}

}  // namespace memctl::agent
