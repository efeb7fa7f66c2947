// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "agent/file.hpp"
#include "agent/xenstore_wire.hpp"

namespace memctl::agent {

/// The answer to a request. If `error` is not 0, the request failed with that error number.
struct XenstoreReply {
  int error{};
  std::string body{};
};

/// One connection to xenstored, for requests and for watches.
///
/// Watches fire at any time, also between a request and its reply, and before the reply to the
/// request that set the watch. The static libxenstore fails then: it takes the next message for the
/// reply (read_reply and xs_talkv in Xen 4.17's xs.c).
class XenstoreConnection {
 public:
  /// How long a reply may take. A guest's clock goes on while the guest is paused, so a single wait
  /// never counts for more than a turn.
  struct Patience {
    std::chrono::milliseconds all{60'000};
    std::chrono::milliseconds turn{1'000};
  };

  /// Opens the guest's device. Like libxenstore, uses the path in XENSTORED_PATH if it is set: a
  /// device or a socket. Not open: errno says why.
  [[nodiscard]] static Fd open();

  explicit XenstoreConnection(Fd connection) : XenstoreConnection{std::move(connection), {}} {}
  XenstoreConnection(Fd connection, Patience patience);

  /// Sends a request and waits for its reply. If the connection breaks, or no reply comes in time,
  /// the connection is lost.
  [[nodiscard]] XenstoreReply request(XenstoreType type, std::string_view body);
  /// Reads what has arrived, without waiting. True: a watch has fired since the last call.
  [[nodiscard]] bool take_events();
  /// Whether a watch has fired that `take_events` has not told of yet. `fd` need not be readable.
  [[nodiscard]] bool has_event() const { return fired_; }
  /// Readable when something has arrived, and when the connection has ended.
  [[nodiscard]] int fd() const { return fd_.get(); }
  /// The error number with which the connection was lost, or 0. A lost connection stays lost.
  [[nodiscard]] int lost() const { return lost_; }

 private:
  [[nodiscard]] int send(std::string_view bytes);
  [[nodiscard]] int receive();
  [[nodiscard]] bool wait(short events, std::chrono::milliseconds& left);
  [[nodiscard]] bool is_reply_to(std::uint32_t request, const XenstoreMessage& message);
  XenstoreReply lose(int error);

  enum class Numbers { unknown, repeated, replaced };

  Fd fd_;
  Patience patience_;
  XenstoreReader reader_{};
  std::uint32_t last_request_{0};
  Numbers numbers_{Numbers::unknown};
  bool fired_{false};
  int lost_{0};
};

}  // namespace memctl::agent
