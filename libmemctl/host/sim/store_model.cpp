// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/sim/store_model.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace memctl::host::sim {
namespace {

Error failure(const char* verb, const std::string& path, int code) {
  return {.cause = code == EACCES ? Cause::not_permitted : Cause::store_error,
          .message = "xenstore " + std::string{verb} + " of " + path + ": " + std::strerror(code),
          .raw = code};
}

bool may_name_a_node(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view{"-/_@"}.find(c) != std::string_view::npos;
}

std::string_view name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string child_of(const std::string& path, std::string_view name) {
  std::string child;
  child.reserve(path.size() + 1 + name.size());
  return child.append(path == "/" ? "" : path).append("/").append(name);
}

}  // namespace

std::string_view parent_of(std::string_view path) {
  const auto slash = path.rfind('/');
  return path.substr(0, std::max<std::size_t>(slash, 1));
}

bool StoreModel::is_valid(std::string_view path) {
  if (path == "/") return true;
  return path.size() > 1 && path.size() <= longest_path && path.front() == '/' &&
         path.back() != '/' && path.find("//") == std::string_view::npos &&
         std::ranges::all_of(path, may_name_a_node);
}

StoreModel::StoreModel() { tree_["/"].permissions = {{.domain = dom0}}; }

bool StoreModel::may(DomainId who, const Node& node, bool write) const {
  if (who == dom0 || node.permissions.front().domain == who) return true;
  const Permission* granted = &node.permissions.front();  // for domains that are not named
  for (const Permission& entry : std::span{node.permissions}.subspan(1)) {
    if (entry.domain == who) granted = &entry;
  }
  return write ? granted->write : granted->read;
}

const StoreModel::Node* StoreModel::find(std::string_view path) const {
  const auto found = tree_.find(path);
  return found == tree_.end() ? nullptr : &found->second;
}

const StoreModel::Node& StoreModel::nearest(std::string_view path) const {
  const Node* found = find(path);
  while (found == nullptr) found = find(path = parent_of(path));
  return *found;
}

Result<std::optional<std::string>> StoreModel::read(DomainId who, const std::string& path) const {
  if (!is_valid(path)) return failure("read", path, EINVAL);
  const Node* const found = find(path);
  if (!may(who, found != nullptr ? *found : nearest(path), false)) {
    return failure("read", path, EACCES);
  }
  if (found == nullptr) return std::optional<std::string>{};
  return std::optional{found->value};
}

std::optional<Kib> StoreModel::read_kib(DomainId who, const std::string& path) const {
  const auto value = read(who, path);
  if (!value || !value.value()) return std::nullopt;
  const std::string& text = *value.value();
  std::int64_t number = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (status != std::errc{}) return std::nullopt;
  return Kib{number};
}

Result<void> StoreModel::require_quota(DomainId who, const std::string& path,
                                       std::string_view value, const Node& nearest,
                                       const Node* found) const {
  if (value.size() > longest_value) return failure("write", path, E2BIG);
  if (who == dom0) return success();
  const std::size_t names = found == nullptr ? 0 : found->names_size;
  const std::size_t size = 24 + 8 * nearest.permissions.size() + value.size() + names;
  if (size > guest_node_limit) return failure("write", path, ENOSPC);
  int new_nodes = 0;
  for (std::string_view at = path; find(at) == nullptr; at = parent_of(at)) ++new_nodes;
  const auto owned = owned_.find(who);
  if (owned != owned_.end() && new_nodes > 0 && owned->second + new_nodes > guest_nodes_limit) {
    return failure("write", path, ENOSPC);
  }
  return success();
}

StoreModel::Node& StoreModel::make(DomainId who, const std::string& path) {
  const auto found = tree_.find(path);
  if (found != tree_.end()) return found->second;
  const std::string above{parent_of(path)};
  Node& parent = make(who, above);
  const std::string_view name = name_of(path);
  parent.children.emplace_back(name);
  parent.names_size += name.size() + 1;
  Node node{.permissions = parent.permissions};
  if (who != dom0) node.permissions.front().domain = who;
  ++owned_[node.permissions.front().domain];
  if (recording_ != nullptr) recording_->push_back(above);
  return tree_.emplace(path, std::move(node)).first->second;
}

Result<void> StoreModel::write(DomainId who, const std::string& path, std::string_view value) {
  if (!is_valid(path)) return failure("write", path, EINVAL);
  const Node* const found = find(path);
  const Node& above = found != nullptr ? *found : nearest(path);
  if (!may(who, above, true)) return failure("write", path, EACCES);
  BOOST_OUTCOME_TRY(require_quota(who, path, value, above, found));
  make(who, path).value = value;
  fire(path);
  return success();
}

Result<void> StoreModel::remove(DomainId who, const std::string& path) {
  if (!is_valid(path) || path == "/") return failure("rm", path, EINVAL);
  const Node* const top = find(path);
  if (top == nullptr) return success();
  if (!may(who, *top, true)) return failure("rm", path, EACCES);

  const std::string above{parent_of(path)};
  const std::string_view name = name_of(path);
  Node& parent = tree_.find(above)->second;
  parent.children.erase(std::ranges::find(parent.children, name));
  parent.names_size -= name.size() + 1;
  if (recording_ != nullptr) recording_->push_back(above);
  std::vector<std::string> gone;
  remove_all(path, gone);
  fire(path);
  for (const std::string& each : std::span{gone}.subspan(1)) {
    if (recording_ != nullptr) recording_->push_back(each);
    call(each, each);
  }
  return success();
}

void StoreModel::remove_all(const std::string& path, std::vector<std::string>& gone) {
  const auto node = tree_.extract(path);
  --owned_[node.mapped().permissions.front().domain];
  gone.push_back(path);
  for (const std::string& child : node.mapped().children) remove_all(child_of(path, child), gone);
}

Result<std::vector<std::string>> StoreModel::list(DomainId who, const std::string& path) const {
  if (!is_valid(path)) return failure("ls", path, EINVAL);
  if (!may(who, nearest(path), false)) return failure("ls", path, EACCES);
  const Node* const found = find(path);
  if (found == nullptr) return std::vector<std::string>{};
  auto names = found->children;
  std::ranges::sort(names);
  return names;
}

Result<void> StoreModel::set_permissions(DomainId who, const std::string& path,
                                         std::span<const Permission> permissions) {
  const auto found = tree_.find(path);
  if (found == tree_.end()) return failure("chmod", path, ENOENT);
  if (permissions.empty()) return failure("chmod", path, EINVAL);
  const DomainId owner = found->second.permissions.front().domain;
  const DomainId new_owner = permissions.front().domain;
  if (who != dom0 && (who != owner || new_owner != owner)) return failure("chmod", path, EACCES);
  if (!introduced_.contains(new_owner)) return failure("chmod", path, EINVAL);
  --owned_[owner];
  ++owned_[new_owner];
  found->second.permissions.assign(permissions.begin(), permissions.end());
  fire(path);
  return success();
}

std::vector<Permission> StoreModel::permissions(const std::string& path) const {
  const auto found = tree_.find(path);
  return found == tree_.end() ? std::vector<Permission>{} : found->second.permissions;
}

StoreModel::Registration StoreModel::watch(const std::string& path, Callback callback) {
  auto entry = std::make_shared<WatchEntry>(WatchEntry{std::move(callback)});
  shortest_watched_ = std::min(shortest_watched_, path.size());
  auto& here = watches_[path];
  if (here.size() == here.capacity()) {  // so that a path with many watches is seldom gone through
    std::erase_if(here, [](const auto& watched) { return watched.expired(); });
    here.reserve(2 * here.size() + 1);
  }
  here.push_back(entry);
  return entry;
}

void StoreModel::introduce(DomainId domain) {
  introduced_.insert(domain);
  call("@introduceDomain", "@introduceDomain");
}

void StoreModel::release(DomainId domain) {
  introduced_.erase(domain);
  owned_.erase(domain);
  call("@releaseDomain", "@releaseDomain");
}

void StoreModel::call(std::string_view watched, const std::string& path) {
  const auto found = watches_.find(watched);
  if (found == watches_.end()) return;
  auto& here = found->second;
  std::erase_if(here, [](const auto& entry) { return entry.expired(); });
  if (here.empty()) {
    watches_.erase(found);
    return;
  }
  for (const auto& weak : std::vector{here}) {
    if (const auto entry = weak.lock()) entry->callback(path);
  }
}

void StoreModel::fire(const std::string& path) {
  if (recording_ != nullptr) recording_->push_back(path);
  for (std::string_view at = path; at.size() >= shortest_watched_; at = parent_of(at)) {
    call(at, path);
    if (at == "/") return;
  }
}

}  // namespace memctl::host::sim
