// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "agent/file.hpp"

struct xs_handle;

namespace memctl::agent {

/// The guest's own part of xenstore. Paths are relative, and so stay right when a restore or
/// migration gives the guest another number.
///
/// Two handles: the static libxenstore reads its descriptor only inside a call, so that the pipe of
/// `xs_fileno` never tells of a watch by itself, and a call that waits for a watch would hold up
/// the others. A thread waits in `xs_read_watch` on a handle of its own and writes to an eventfd.
/// The shared libxenstore works the same way through it.
class XenstoreLink {
 public:
  /// Nothing, with errno set, where there is no xenstore to be reached.
  [[nodiscard]] static std::unique_ptr<XenstoreLink> open();
  XenstoreLink(const XenstoreLink&) = delete;
  XenstoreLink& operator=(const XenstoreLink&) = delete;
  /// Only at the end of the process: the thread is left where it waits.
  ~XenstoreLink();

  /// Nothing: there is no such node (`error` 0), or it cannot be read.
  [[nodiscard]] std::optional<std::string> read(const char* path, int& error);
  /// 0, or the error number.
  [[nodiscard]] int write(const char* path, std::string_view value);
  void remove(const char* path);

  /// Watches `path` from now on; once, before any other. 0, or the error number.
  [[nodiscard]] int watch(const char* path);
  /// Readable when the watch fired, and when it was lost.
  [[nodiscard]] int fd() const { return event_.get(); }
  /// Takes what fired.
  void drain();
  /// The connection that carries the watch has ended.
  [[nodiscard]] bool lost() const { return lost_; }

 private:
  XenstoreLink(xs_handle* calls, xs_handle* watches, Fd event);
  static void* wait_for_watches(void* self);

  xs_handle* calls_;
  xs_handle* watches_;
  Fd event_;
  std::atomic<bool> lost_{false};
};

}  // namespace memctl::agent
