// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <unistd.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

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
  explicit OpenHost(Host host);
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
  /// Does nothing if the operation has ended already.
  void cancel(std::uint64_t operation);
  /// Cancels every operation. Blocks until all operations have ended, which it tells their
  /// channels, and until the connection has ended. Closing a closed host does nothing.
  void close();

 private:
  struct Started {
    Operation operation;
    std::shared_ptr<Channel> channel;
  };
  /// Operations use this at their end, when the host may be closed already.
  struct Running {
    std::mutex mutex{};
    std::optional<Host> host{};
    std::map<std::uint64_t, Started> started{};
    std::uint64_t last{};
  };

  pid_t process_{getpid()};
  std::shared_ptr<Running> running_{std::make_shared<Running>()};
};

}  // namespace memctl::python
