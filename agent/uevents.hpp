// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "agent/file.hpp"

namespace memctl::agent {

/// The kernel's uevents, by netlink. They get lost when many come at once: they say when to look,
/// not what is there.
class Uevents {
 public:
  /// Not listening yet: an idle agent is not woken by other devices.
  Uevents();
  /// False: there are none to be had, and the agent looks by the clock alone.
  [[nodiscard]] bool available() const { return socket_.is_open(); }
  [[nodiscard]] int fd() const { return socket_.get(); }
  void listen(bool on);
  [[nodiscard]] bool listening() const { return listening_; }
  /// Takes all that is queued. Whether memory changed, or may have.
  [[nodiscard]] bool drain();

 private:
  Fd socket_;
  bool listening_{false};
};

}  // namespace memctl::agent
