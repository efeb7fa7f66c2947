// SPDX-License-Identifier: LGPL-2.1-or-later
#include "open_host.hpp"

#include <new>
#include <utility>

namespace memctl::python {
namespace {

HostClosed closed() { return HostClosed{"the host has been closed"}; }

}  // namespace

OpenHost::OpenHost(Host host, std::shared_ptr<Channel> log) : log_{std::move(log)} {
  running_->host = std::move(host);
}

OpenHost::~OpenHost() {
  if (getpid() == process_) {
    close();
  } else {  // the host's thread was not forked, so nothing could end it
    static_cast<void>(new (std::nothrow) std::shared_ptr<Running>{std::move(running_)});
  }
}

Host OpenHost::get() const {
  if (getpid() != process_) throw HostClosed{"the host was opened by another process"};
  const std::lock_guard lock{running_->mutex};
  if (!running_->host) throw closed();
  return *running_->host;
}

bool OpenHost::is_closed() const {
  if (getpid() != process_) return true;
  const std::lock_guard lock{running_->mutex};
  return !running_->host;
}

std::uint64_t OpenHost::next_number() {
  const std::lock_guard lock{running_->mutex};
  return ++running_->last;
}

void OpenHost::add(std::uint64_t number, Started started) {
  const std::lock_guard lock{running_->mutex};
  if (!running_->host) {
    started.cancel();
    throw closed();
  }
  running_->started.emplace(number, std::move(started));
}

void OpenHost::post_end(std::uint64_t number, const Started& started) {
  started.channel->post({.number = number, .what = started.wait(), .domain = started.domain});
}

void OpenHost::end(const std::weak_ptr<Running>& weak, std::uint64_t number) {
  const auto running = weak.lock();
  if (!running) return;
  const std::lock_guard lock{running->mutex};
  const auto found = running->started.find(number);
  if (found == running->started.end()) return;  // `close` tells the channel
  post_end(number, found->second);
  running->started.erase(found);
}

std::uint64_t OpenHost::start(const DomainIdentity& domain, SizeRequest size, ResizeOptions options,
                              std::shared_ptr<Channel> channel, bool tell_events) {
  const Host host = get();
  const std::uint64_t number = next_number();
  if (tell_events) {
    options.on_event = [number, channel](const Event& event) {
      channel->post({.number = number, .what = event});
    };
  }
  const Operation operation = host.domain(domain).resize(size, std::move(options));
  follow(number, operation,
         {.cancel = [operation] { operation.cancel(); },
          .wait = [operation] { return End{operation.wait()}; },
          .channel = std::move(channel),
          .domain = domain});
  return number;
}

Result<std::uint64_t> OpenHost::watch(std::shared_ptr<Channel> channel) {
  const Host host = get();
  const std::uint64_t number = next_number();
  BOOST_OUTCOME_TRY(auto begun, host.watch([number, channel](const DomainChange& change) {
    channel->post({.number = number, .what = change});
  }));
  const std::lock_guard lock{running_->mutex};
  if (!running_->host) throw closed();
  running_->watches.emplace(number, Watching{std::move(begun), std::move(channel)});
  return number;
}

void OpenHost::stop_watch(std::uint64_t number) {
  if (getpid() != process_) return;
  std::map<std::uint64_t, Watching>::node_type stopped;
  {
    const std::lock_guard lock{running_->mutex};
    stopped = running_->watches.extract(number);
  }
  if (stopped) stopped.mapped().channel->post({.number = number, .what = Closed{}});
}

void OpenHost::cancel(std::uint64_t number) {
  if (getpid() != process_) return;
  const std::lock_guard lock{running_->mutex};
  const auto found = running_->started.find(number);
  if (found != running_->started.end()) found->second.cancel();
}

void OpenHost::close() {
  if (getpid() != process_) return;
  std::optional<Host> host;
  std::map<std::uint64_t, Started> started;
  std::map<std::uint64_t, Watching> watches;
  {
    const std::lock_guard lock{running_->mutex};
    host = std::exchange(running_->host, std::nullopt);
    started = std::exchange(running_->started, {});
    watches = std::exchange(running_->watches, {});
  }
  if (!host) return;
  for (const auto& [number, one] : started) one.cancel();
  for (const auto& [number, one] : started) post_end(number, one);
  for (const auto& [number, one] : watches) {
    one.channel->post({.number = number, .what = Closed{}});
  }
  started.clear();
  watches.clear();
  host.reset();  // waits, and writes the last lines of the log
  if (log_) log_->post({.what = Closed{}});
}

}  // namespace memctl::python
