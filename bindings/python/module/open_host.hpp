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

/// Thrown where a host is used that has been closed.
struct HostClosed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A host that can be closed while Python's objects still refer to it. Thread-safe; knows nothing
/// of the interpreter, whose lock its callers release first.
class OpenHost {
 public:
  explicit OpenHost(Host host);
  OpenHost(const OpenHost&) = delete;
  OpenHost& operator=(const OpenHost&) = delete;
  /// Closes it; in a child that was forked from its process, where the host's thread does not
  /// exist, it is left alone.
  ~OpenHost();

  /// The host, and what keeps it open for the caller. Throws `HostClosed` once it was closed, and
  /// in a forked child.
  [[nodiscard]] Host get() const;
  [[nodiscard]] bool is_closed() const;

  /// Starts a resize whose notes go to `channel`; events only with `tell_events`. The operation's
  /// number. Throws `HostClosed`.
  [[nodiscard]] std::uint64_t start(const DomainIdentity& domain, SizeRequest size,
                                    ResizeOptions options, std::shared_ptr<Channel> channel,
                                    bool tell_events);
  /// Nothing happens where it has ended already.
  void cancel(std::uint64_t operation);
  /// Cancels every operation and blocks until they have ended, which their channels are told of,
  /// and until the connection has. Again: nothing.
  void close();

 private:
  struct Started {
    Operation operation;
    std::shared_ptr<Channel> channel;
  };
  /// What operations that end still need, although the host may be closed meanwhile.
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
