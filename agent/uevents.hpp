// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "agent/file.hpp"

namespace memctl::agent {

/// The kernel's uevents, by netlink. If many come at once, some are lost. So a uevent only tells
/// the agent when to look.
class Uevents {
 public:
  /// Does not listen yet, so that other devices do not wake an idle agent.
  Uevents();
  /// False: there are no uevents here, and the agent looks by the clock alone.
  [[nodiscard]] bool available() const { return socket_.is_open(); }
  [[nodiscard]] int fd() const { return socket_.get(); }
  void listen(bool on);
  [[nodiscard]] bool listening() const { return listening_; }
  /// Takes all queued uevents. Returns whether memory changed or may have changed.
  [[nodiscard]] bool drain();

 private:
  Fd socket_;
  bool listening_{false};
};

}  // namespace memctl::agent
