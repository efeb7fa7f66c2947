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

std::uint64_t OpenHost::start(const DomainIdentity& domain, SizeRequest size, ResizeOptions options,
                              std::shared_ptr<Channel> channel, bool tell_events) {
  const Host host = get();
  std::uint64_t number = 0;
  {
    const std::lock_guard lock{running_->mutex};
    number = ++running_->last;
  }
  if (tell_events) {
    options.on_event = [number, channel](const Event& event) {
      channel->post({.operation = number, .what = event});
    };
  }
  Operation operation = host.domain(domain).resize(size, std::move(options));
  {
    const std::lock_guard lock{running_->mutex};
    if (!running_->host) {
      operation.cancel();
      throw closed();
    }
    running_->started.emplace(number,
                              Started{.operation = operation, .channel = std::move(channel)});
  }
  // The host's thread holds no handle, because the last handle would make the thread end itself.
  operation.on_end([number, weak = std::weak_ptr{running_}] {
    const auto running = weak.lock();
    if (!running) return;
    const std::lock_guard lock{running->mutex};
    const auto found = running->started.find(number);
    if (found == running->started.end()) return;  // `close` tells the channel
    found->second.channel->post({.operation = number, .what = found->second.operation.wait()});
    running->started.erase(found);
  });
  return number;
}

void OpenHost::cancel(std::uint64_t operation) {
  if (getpid() != process_) return;
  const std::lock_guard lock{running_->mutex};
  const auto found = running_->started.find(operation);
  if (found != running_->started.end()) found->second.operation.cancel();
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
  for (auto& [number, one] : started) one.operation.cancel();
  for (auto& [number, one] : started) {
    one.channel->post({.operation = number, .what = one.operation.wait()});
  }
}

}  // namespace memctl::python
