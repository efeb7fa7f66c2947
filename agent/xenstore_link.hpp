// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "agent/watch_channel.hpp"

struct xs_handle;

namespace memctl::agent {

/// The guest's own part of xenstore. Paths are relative, and so stay right when a restore or
/// migration gives the guest another number. One connection for calls, another for the watch.
class XenstoreLink {
 public:
  /// Nothing, with errno set, where there is no xenstore to be reached.
  [[nodiscard]] static std::unique_ptr<XenstoreLink> open();
  XenstoreLink(const XenstoreLink&) = delete;
  XenstoreLink& operator=(const XenstoreLink&) = delete;
  ~XenstoreLink();

  /// Nothing: there is no such node (`error` 0), or it cannot be read.
  [[nodiscard]] std::optional<std::string> read(const char* path, int& error);
  /// 0, or the error number.
  [[nodiscard]] int write(const char* path, std::string_view value);
  void remove(const char* path);

  /// Watches `path` from now on; once, before any other. 0, or the error number.
  [[nodiscard]] int watch(const char* path) { return watch_.open(path); }
  /// Readable when the watch fired, and when it was lost.
  [[nodiscard]] int fd() const { return watch_.fd(); }
  /// Takes what fired. 0, or the error number that ended the connection.
  [[nodiscard]] int drain() { return watch_.drain(); }

 private:
  explicit XenstoreLink(xs_handle* calls) : calls_{calls} {}

  xs_handle* calls_;
  WatchChannel watch_{};
};

}  // namespace memctl::agent
