// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>

#include <array>

#include "agent/file.hpp"

namespace memctl::agent {

/// A watch on one node of the guest's own part of xenstore, as a descriptor to poll.
///
/// It speaks xenstore's wire protocol (xen/io/xs_wire.h) itself, over a connection of its own. The
/// static libxenstore takes the next message for the reply to xs_watch. If the watch's first event
/// comes before the reply, libxenstore closes the connection (read_reply and xs_talkv in Xen 4.17's
/// xs.c; seen on a loaded host). Its xs_fileno does not tell of watches either, because the static
/// library has no thread that reads them.
class WatchChannel {
 public:
  /// Connects and registers the watch. Does not wait for the answer. Returns 0 or the error number.
  [[nodiscard]] int open(const char* path);
  /// Readable when the watch has fired, and when the connection has ended.
  [[nodiscard]] int fd() const { return fd_.get(); }
  /// Reads what has arrived, without waiting. Returns 0, or the error number that ended the
  /// connection or refused the watch.
  [[nodiscard]] int drain();

 private:
  [[nodiscard]] int take(std::size_t size);

  Fd fd_{};
  // The part of one message that has arrived: its header and its body.
  std::array<char, 16 + 4096> message_{};
  std::size_t filled_{0};
};

}  // namespace memctl::agent
