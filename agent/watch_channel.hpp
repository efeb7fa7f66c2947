// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>

#include <array>

#include "agent/file.hpp"

namespace memctl::agent {

/// A watch on one node of the guest's own part of xenstore, as a descriptor to poll.
///
/// It speaks xenstore's wire protocol (xen/io/xs_wire.h) itself, over a connection of its own: the
/// static libxenstore takes the next message for the reply to xs_watch, and where the watch's first
/// event comes before that, it closes the connection (read_reply and xs_talkv in Xen 4.17's xs.c;
/// seen on a loaded host). Its xs_fileno tells of no watch either, as nobody reads for it.
class WatchChannel {
 public:
  /// Connects and registers the watch; doesn't wait for the answer. 0, or the error number.
  [[nodiscard]] int open(const char* path);
  /// Readable when the watch fired, and when the connection ended.
  [[nodiscard]] int fd() const { return fd_.get(); }
  /// Takes in what has come, without waiting. 0, or the error number that ended the connection or
  /// refused the watch.
  [[nodiscard]] int drain();

 private:
  [[nodiscard]] int take(std::size_t size);

  Fd fd_{};
  // One message: its header and what is behind it, as far as it has come.
  std::array<char, 16 + 4096> message_{};
  std::size_t filled_{0};
};

}  // namespace memctl::agent
