// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <unistd.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "channel.hpp"
#include "memctl/host.hpp"

namespace memctl::python {

/// Thrown if a host is used after it was closed.
struct HostClosed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A host that can be closed while Python's objects still refer to it. Thread-safe. Its callers
/// release the interpreter's lock before they call it.
class OpenHost {
 public:
  /// `log` is where the host's log goes, and at the end `Closed`. Null: the host has no log.
  OpenHost(Host host, std::shared_ptr<Channel> log);
  OpenHost(const OpenHost&) = delete;
  OpenHost& operator=(const OpenHost&) = delete;
  /// Closes the host. In a forked child it does nothing, because the host's thread does not exist
  /// there.
  ~OpenHost();

  /// The host, and a handle that keeps it open for the caller. Throws `HostClosed` after it was
  /// closed, and in a forked child.
  [[nodiscard]] Host get() const;
  [[nodiscard]] bool is_closed() const;

  /// Starts a resize and returns its number. Its notes go to `channel`, its events only with
  /// `tell_events`. Throws `HostClosed`.
  [[nodiscard]] std::uint64_t start(const DomainIdentity& domain, SizeRequest size,
                                    ResizeOptions options, std::shared_ptr<Channel> channel,
                                    bool tell_events);
  /// Asks a question, and returns its number. `pose(host)` returns what is pending. Its answer goes
  /// to `channel`. Throws `HostClosed`.
  template <class Pose>
  [[nodiscard]] std::uint64_t ask(Pose pose, std::shared_ptr<Channel> channel,
                                  std::optional<DomainIdentity> domain = std::nullopt) {
    const auto pending = pose(get());
    const std::uint64_t number = next_number();
    follow(number, pending,
           {.cancel = [] {},
            .wait = [pending] { return End{pending.wait()}; },
            .channel = std::move(channel),
            .domain = std::move(domain)});
    return number;
  }
  /// Starts a watch and returns its number. Its changes go to `channel`, and at its end `Closed`.
  /// Throws `HostClosed`.
  [[nodiscard]] Result<std::uint64_t> watch(std::shared_ptr<Channel> channel);
  /// Does nothing if the watch has ended already.
  void stop_watch(std::uint64_t number);
  /// Does nothing if the resize has ended already, or if the number is a question's.
  void cancel(std::uint64_t number);
  /// Cancels every resize. Blocks until all resizes and questions have ended, which it tells their
  /// channels, and until the connection has ended. Closing a closed host does nothing.
  void close();

 private:
  struct Started {
    std::function<void()> cancel;
    std::function<End()> wait;
    std::shared_ptr<Channel> channel;
    std::optional<DomainIdentity> domain;
  };
  struct Watching {
    DomainWatch watch;
    std::shared_ptr<Channel> channel;
  };
  /// Resizes and questions use this at their end, when the host may be closed already.
  struct Running {
    std::mutex mutex{};
    std::optional<Host> host{};
    std::map<std::uint64_t, Started> started{};
    std::map<std::uint64_t, Watching> watches{};
    std::uint64_t last{};
  };

  [[nodiscard]] std::uint64_t next_number();
  /// Throws `HostClosed`.
  void add(std::uint64_t number, Started started);
  static void post_end(std::uint64_t number, const Started& started);
  static void end(const std::weak_ptr<Running>& weak, std::uint64_t number);
  /// Posts the end of `handle` when it has come. `handle` is what `started` waits for.
  template <class Handle>
  void follow(std::uint64_t number, const Handle& handle, Started started) {
    add(number, std::move(started));
    // The host's thread holds no handle, because the last handle would make the thread end itself.
    handle.on_end([number, weak = std::weak_ptr{running_}] { end(weak, number); });
  }

  pid_t process_{getpid()};
  std::shared_ptr<Channel> log_;
  std::shared_ptr<Running> running_{std::make_shared<Running>()};
};

}  // namespace memctl::python
