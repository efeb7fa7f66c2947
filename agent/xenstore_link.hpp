// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "agent/core/surroundings.hpp"
#include "agent/watch_channel.hpp"

struct xs_handle;

namespace memctl::agent {

/// xenstored, through one connection for calls and another connection for the watch.
class XenstoreLink final : public GuestStore {
 public:
  /// The call that found the connection unusable.
  struct Loss {
    std::string path;
    int error;
  };

  /// Null, with errno set: xenstore cannot be reached.
  [[nodiscard]] static std::unique_ptr<XenstoreLink> open();
  XenstoreLink(const XenstoreLink&) = delete;
  XenstoreLink& operator=(const XenstoreLink&) = delete;
  ~XenstoreLink() override;

  [[nodiscard]] std::optional<std::string> read(const char* path, int& error) override;
  [[nodiscard]] int write(const char* path, std::string_view value) override;
  void remove(const char* path) override;
  /// Nothing: the connection works.
  [[nodiscard]] const std::optional<Loss>& lost() const { return lost_; }

  /// Watches `path` from now on. May be called once. Returns 0 or the error number.
  [[nodiscard]] int watch(const char* path);
  /// Readable when the watch has fired, and when its connection is lost.
  [[nodiscard]] int fd() const { return watch_.fd(); }
  /// Reads the events that have arrived.
  void drain();

 private:
  explicit XenstoreLink(xs_handle* calls) : calls_{calls} {}
  void note(const char* path, int error);

  xs_handle* calls_;
  WatchChannel watch_{};
  const char* watched_{""};
  std::optional<Loss> lost_{};
};

}  // namespace memctl::agent
