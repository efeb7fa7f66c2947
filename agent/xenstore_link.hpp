// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "agent/core/surroundings.hpp"
#include "agent/xenstore_connection.hpp"

namespace memctl::agent {

/// The guest's own part of xenstore, through one connection.
class XenstoreLink final : public GuestStore {
 public:
  /// The call that found the connection unusable.
  struct Loss {
    std::string path;
    int error;
  };

  explicit XenstoreLink(XenstoreConnection connection) : connection_{std::move(connection)} {}

  [[nodiscard]] std::optional<std::string> read(const char* path, int& error) override;
  [[nodiscard]] int write(const char* path, std::string_view value) override;
  void remove(const char* path) override;
  /// Nothing: the connection works.
  [[nodiscard]] const std::optional<Loss>& lost() const { return lost_; }

  /// Watches `path` from now on. May be called once. Returns 0 or the error number.
  [[nodiscard]] int watch(const char* path);
  /// Readable when the watch may have fired, and when the connection is lost.
  [[nodiscard]] int fd() const { return connection_.fd(); }
  /// Whether the watch has fired during another call. `fd` need not be readable.
  [[nodiscard]] bool has_fired() const { return connection_.has_event(); }
  /// Reads the events that have arrived.
  void drain();

 private:
  XenstoreReply request(XenstoreType type, const char* path, std::string_view body);
  void note_loss(const char* path);

  XenstoreConnection connection_;
  const char* watched_{""};
  std::optional<Loss> lost_{};
};

}  // namespace memctl::agent
