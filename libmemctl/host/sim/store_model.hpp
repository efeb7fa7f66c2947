// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "host/store.hpp"
#include "memctl/error.hpp"

namespace memctl::host::sim {

inline constexpr DomainId dom0{0};

/// xenstored's tree as a client in any domain sees it: permissions, a guest's quotas, watches. Its
/// figures are those of the C xenstored, but for the longest path and value, which are the port's.
/// Each call takes no time; only a transaction, in `store.cpp`, lasts longer.
class StoreModel {
 public:
  static constexpr std::size_t guest_node_limit = 2048;
  static constexpr int guest_nodes_limit = 1000;

  using Callback = std::function<void(const std::string& path)>;
  /// The watch ends when this is destroyed.
  using Registration = std::shared_ptr<void>;

  StoreModel();

  /// Whether xenstored accepts `path` as the path of a node: absolute, with allowed characters
  /// only, and not too long.
  [[nodiscard]] static bool is_valid(std::string_view path);
  [[nodiscard]] Result<std::optional<std::string>> read(DomainId who,
                                                        const std::string& path) const;
  /// The number at a `memory/` key. Nothing: there is no number, or `who` may not read it.
  [[nodiscard]] std::optional<Kib> read_kib(DomainId who, const std::string& path) const;
  [[nodiscard]] Result<void> write(DomainId who, const std::string& path, std::string_view value);
  [[nodiscard]] Result<void> remove(DomainId who, const std::string& path);
  [[nodiscard]] Result<std::vector<std::string>> list(DomainId who, const std::string& path) const;
  [[nodiscard]] Result<void> set_permissions(DomainId who, const std::string& path,
                                             std::span<const Permission> permissions);
  /// Empty: there is no such node.
  [[nodiscard]] std::vector<Permission> permissions(const std::string& path) const;

  /// Calls `callback` at each change of the node or of a node below it. The call that changes the
  /// node calls it, so `callback` must not change the store.
  [[nodiscard]] Registration watch(const std::string& path, Callback callback);

  /// From now until `release`, the domain may own nodes.
  void introduce(DomainId domain);
  void release(DomainId domain);
  /// Fires the watches of "@releaseDomain", as the shutdown of a domain does.
  void announce_release() { call("@releaseDomain", "@releaseDomain"); }

  /// For transactions: adds every path that changes from now on to `paths`; nullptr ends that. A
  /// node also changes when it gets or loses a child.
  void record_changes(std::vector<std::string>* paths) { recording_ = paths; }

  /// For tests: every call of dom0 fails with this error from now on. Nothing: calls work again.
  void break_down(std::optional<Error> error) { broken_ = std::move(error); }
  [[nodiscard]] const std::optional<Error>& broken() const { return broken_; }
  /// For tests: called before each commit of a transaction, to let another client write.
  std::function<void()> before_commit{};

 private:
  struct Node {
    std::string value{};
    std::vector<Permission> permissions{};
    std::vector<std::string> children{};  ///< Their names, as they came.
    std::size_t names_size{0};            ///< The size of these names.
  };
  struct WatchEntry {
    Callback callback{};
  };
  /// Ten thousand guests have a quarter of a million nodes.
  struct PathHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view path) const {
      return std::hash<std::string_view>{}(path);
    }
  };
  template <class T>
  using ByPath = std::unordered_map<std::string, T, PathHash, std::equal_to<>>;

  [[nodiscard]] bool may(DomainId who, const Node& node, bool write) const;
  /// Null: there is no such node.
  [[nodiscard]] const Node* find(std::string_view path) const;
  /// The node, or the first one above it that there is.
  [[nodiscard]] const Node& nearest(std::string_view path) const;
  [[nodiscard]] Result<void> require_quota(DomainId who, const std::string& path,
                                           std::string_view value, const Node& nearest,
                                           const Node* found) const;
  Node& make(DomainId who, const std::string& path);
  void remove_all(const std::string& path, std::vector<std::string>& gone);
  void fire(const std::string& path);
  void call(std::string_view watched, const std::string& path);

  ByPath<Node> tree_{};
  std::map<DomainId, int> owned_{};
  std::set<DomainId> introduced_{dom0};
  ByPath<std::vector<std::weak_ptr<WatchEntry>>> watches_{};
  /// No watch is on a shorter path.
  std::size_t shortest_watched_{longest_path};
  std::vector<std::string>* recording_{nullptr};
  std::optional<Error> broken_{};
};

/// The parent of "/a/b/c" is "/a/b", the parent of "/a" is "/". A part of `path`.
[[nodiscard]] std::string_view parent_of(std::string_view path);

}  // namespace memctl::host::sim
