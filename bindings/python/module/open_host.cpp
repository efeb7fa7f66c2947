// SPDX-License-Identifier: LGPL-2.1-or-later
#include "open_host.hpp"

#include <new>
#include <utility>

namespace memctl::python {
namespace {

HostClosed closed() { return HostClosed{"the host has been closed"}; }

}  // namespace

OpenHost::OpenHost(Host host) { running_->host = std::move(host); }

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
  {
    const std::lock_guard lock{running_->mutex};
    host = std::exchange(running_->host, std::nullopt);
    started = std::exchange(running_->started, {});
  }
  for (const auto& [number, one] : started) one.cancel();
  for (const auto& [number, one] : started) post_end(number, one);
}

}  // namespace memctl::python
