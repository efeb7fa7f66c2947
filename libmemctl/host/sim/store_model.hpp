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
#include <vector>

#include "host/store.hpp"
#include "memctl/error.hpp"

namespace memctl::host::sim {

inline constexpr DomainId dom0{0};

/// xenstored's tree as a client of any domain sees it: permissions, a guest's quotas, watches. Its
/// figures are those of the C xenstored (XEN-FACTS section 5). Everything happens at once: only a
/// transaction, in `store.cpp`, has a duration.
class StoreModel {
 public:
  static constexpr std::size_t payload_limit = 4096;  ///< path and value of one write, anyone's
  static constexpr std::size_t guest_node_limit = 2048;
  static constexpr int guest_nodes_limit = 1000;

  using Callback = std::function<void(const std::string& path)>;
  /// Ends with its object.
  using Registration = std::shared_ptr<void>;

  StoreModel();

  /// Whether xenstored takes it for a node's path: absolute, of few characters, not too long.
  [[nodiscard]] static bool is_valid(std::string_view path);
  [[nodiscard]] Result<std::optional<std::string>> read(DomainId who,
                                                        const std::string& path) const;
  /// The number at a `memory/` key; nothing where there is none, or none that may be read.
  [[nodiscard]] std::optional<Kib> read_kib(DomainId who, const std::string& path) const;
  [[nodiscard]] Result<void> write(DomainId who, const std::string& path, std::string_view value);
  [[nodiscard]] Result<void> remove(DomainId who, const std::string& path);
  [[nodiscard]] Result<std::vector<std::string>> list(DomainId who, const std::string& path) const;
  [[nodiscard]] Result<void> set_permissions(DomainId who, const std::string& path,
                                             std::span<const Permission> permissions);
  /// Empty where there is no such node.
  [[nodiscard]] std::vector<Permission> permissions(const std::string& path) const;

  /// Calls back at each change of the node or below it, within the call that changes it: the
  /// callback must not change the store itself.
  [[nodiscard]] Registration watch(const std::string& path, Callback callback);

  /// A domain that may own nodes, from now until `release`.
  void introduce(DomainId domain);
  void release(DomainId domain);
  /// Rouses the watches of "@releaseDomain", as a domain that shuts down does.
  void announce_release() { call("@releaseDomain", "@releaseDomain"); }

  /// Every path that changes from now on is added to `paths`; nullptr: no more. For transactions. A
  /// node changes too when it gets or loses a child.
  void record_changes(std::vector<std::string>* paths) { recording_ = paths; }

  /// For tests: every call of dom0 from now on fails with this, until it is taken away.
  void break_down(std::optional<Error> error) { broken_ = std::move(error); }
  [[nodiscard]] const std::optional<Error>& broken() const { return broken_; }
  /// For tests: called before each transaction's commit, as another client that writes then.
  std::function<void()> before_commit{};

 private:
  struct Node {
    std::string value{};
    std::vector<Permission> permissions{};
    std::size_t names_size{0};  ///< of its children
  };
  struct WatchEntry {
    Callback callback{};
  };
  using Tree = std::map<std::string, Node, std::less<>>;

  [[nodiscard]] bool may(DomainId who, const Node& node, bool write) const;
  [[nodiscard]] const Node& nearest(const std::string& path) const;
  [[nodiscard]] Result<void> check_quota(DomainId who, const std::string& path,
                                         std::string_view value, const Node& above,
                                         int new_nodes) const;
  void make(DomainId who, const std::string& path);
  void fire(const std::string& path);
  void call(std::string_view watched, const std::string& path);

  Tree tree_{};
  std::map<DomainId, int> owned_{};
  std::set<DomainId> introduced_{dom0};
  std::map<std::string, std::vector<std::weak_ptr<WatchEntry>>, std::less<>> watches_{};
  std::vector<std::string>* recording_{nullptr};
  std::optional<Error> broken_{};
};

/// "/a/b" of "/a/b/c", "/" of "/a".
[[nodiscard]] std::string parent_of(std::string_view path);

}  // namespace memctl::host::sim
