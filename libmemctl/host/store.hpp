// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/clock.hpp"
#include "memctl/error.hpp"
#include "memctl/units.hpp"

namespace memctl::host {

/// What a domain may do with a node. The first entry of a list names the node's owner; its `read`
/// and `write` hold for all domains that the list does not name.
struct Permission {
  DomainId domain{};
  bool read{};
  bool write{};
};

/// The longest path and value, in bytes. oxenstored takes no longer ones, and xenstored takes more
/// of dom0. A port refuses what is longer, so that whatever works on one host works on all.
constexpr std::size_t longest_path = 1024;
constexpr std::size_t longest_value = 2048;

/// xenstore's nodes, directly or within a transaction. A call blocks for one round trip to
/// xenstored, which runs on the same host. Values are bytes. The caller has to check the bounds of
/// what a guest wrote. Errors of every call: `store_error`; `not_permitted` if xenstored says
/// EACCES.
class StoreView {
 public:
  virtual ~StoreView() = default;
  /// Nothing: there is no such node.
  [[nodiscard]] virtual Result<std::optional<std::string>> read(const std::string& path) = 0;
  /// Makes the node and the nodes above it if they are missing.
  [[nodiscard]] virtual Result<void> write(const std::string& path, std::string_view value) = 0;
  /// Removes the node and all nodes below it. Succeeds if there is no such node.
  [[nodiscard]] virtual Result<void> remove(const std::string& path) = 0;
  [[nodiscard]] virtual Result<void> set_permissions(const std::string& path,
                                                     std::span<const Permission> permissions) = 0;
};

/// A watch on a node and all nodes below it. The watch ends when this object is destroyed.
class Watch {
 public:
  virtual ~Watch() = default;
  /// Whether anything changed since the last call. The first call returns true, and one more call
  /// soon after it may return true without a change. If changes come far too fast, as a hostile
  /// guest can make them, the watch notifies a last time and then never again.
  [[nodiscard]] virtual bool take() = 0;
};

/// xenstore. Belongs to its host's executor; not thread-safe.
class Store : public StoreView {
 public:
  /// Notifies `wakeup` once now and at each change from now on. `wakeup` must outlive the watch.
  /// xenstored also has the special paths "@releaseDomain" and "@introduceDomain".
  [[nodiscard]] virtual Result<std::unique_ptr<Watch>> watch(const std::string& path,
                                                             Wakeup& wakeup) = 0;
  /// Runs `body` in a transaction and commits. If another writer interfered, runs `body` again in a
  /// fresh transaction, at most 16 times. If `body` returns an error, aborts and returns the error.
  /// Another writer interferes if it changed what `body` read, or, on some hosts, if it made a node
  /// beside a node that `body` made.
  /// `body` must not read a node that a guest can write: the guest could make every commit fail.
  [[nodiscard]] virtual Result<void> transact(
      const std::function<Result<void>(StoreView&)>& body) = 0;
};

}  // namespace memctl::host
