// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

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

/// Who may do what with a node. The first of a list names the owner, and what everybody else may
/// do.
struct Permission {
  DomainId domain{};
  bool read{};
  bool write{};
};

/// xenstore's nodes, directly or within a transaction. Calls block for one round trip to xenstored,
/// which is local. Values are bytes; whatever a guest wrote is the caller's to bound.
/// Errors of every call: `store_error`; `not_permitted` where xenstored says EACCES.
class StoreView {
 public:
  virtual ~StoreView() = default;
  /// Nothing: there is no such node.
  [[nodiscard]] virtual Result<std::optional<std::string>> read(const std::string& path) = 0;
  /// Makes the node, and those above it, where they are missing.
  [[nodiscard]] virtual Result<void> write(const std::string& path, std::string_view value) = 0;
  /// The node and all below it. A node that isn't there is a success.
  [[nodiscard]] virtual Result<void> remove(const std::string& path) = 0;
  [[nodiscard]] virtual Result<void> set_permissions(const std::string& path,
                                                     std::span<const Permission> permissions) = 0;
};

/// A watch on a node and all below it. Any number of changes since the last `take` count as one.
/// Ends with its object.
class Watch {
 public:
  virtual ~Watch() = default;
  /// Whether anything changed since the last call; the first call always says so, and soon after it
  /// one more may, without a change. After far too many changes, as a hostile guest can make
  /// them, the watch ends: it notifies once more, and never again.
  [[nodiscard]] virtual bool take() = 0;
};

/// xenstore. Belongs to its host's executor; not thread-safe.
class Store : public StoreView {
 public:
  /// Notifies `wakeup` at each change from now on, and once at the beginning. `wakeup` must outlive
  /// the watch. Special paths: "@releaseDomain", "@introduceDomain".
  [[nodiscard]] virtual Result<std::unique_ptr<Watch>> watch(const std::string& path,
                                                             Wakeup& wakeup) = 0;
  /// Runs `body` in a transaction and commits; again, with a fresh transaction, when another writer
  /// interfered, at most 16 times. An error of `body` aborts and is returned. Never read a node
  /// that a guest can write in a transaction: the guest could make it fail for ever.
  [[nodiscard]] virtual Result<void> transact(
      const std::function<Result<void>(StoreView&)>& body) = 0;
};

}  // namespace memctl::host
