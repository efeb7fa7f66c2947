// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/sim/store.hpp"

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>
#include <variant>

namespace memctl::host::sim {
namespace {

class SimWatch final : public Watch {
 public:
  SimWatch(std::shared_ptr<StoreModel> model, VirtualClock clock, const std::string& path,
           Wakeup& wakeup)
      : wakeup_{wakeup},
        clock_{std::move(clock)},
        model_{std::move(model)},
        registration_{model_->watch(path, [this](const auto&) { on_change(); })} {
    wakeup.notify();
  }
  bool take() override { return std::exchange(changed_, false); }
  bool flooded() const { return changes_ > SimStore::most_changes_per_second; }

 private:
  void on_change() {
    if (flooded()) return;
    if (clock_.now() - second_ >= std::chrono::seconds{1}) {
      second_ = clock_.now();
      changes_ = 0;
    }
    ++changes_;
    changed_ = true;
    wakeup_.notify();
  }

  bool changed_{true};
  int changes_{0};
  TimePoint second_{};
  Wakeup& wakeup_;
  VirtualClock clock_;
  std::shared_ptr<StoreModel> model_;
  StoreModel::Registration registration_;
};

/// Sees each node as it was when the transaction first read it, with the transaction's own changes.
/// A commit fails if another writer has changed a node that the transaction has read.
class Transaction final : public StoreView {
 public:
  explicit Transaction(StoreModel& model) : model_{model} { model_.record_changes(&foreign_); }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction() override { model_.record_changes(nullptr); }

  Result<std::optional<std::string>> read(const std::string& path) override {
    const auto own = values_.find(path);
    if (own != values_.end()) return own->second;
    read_.insert(path);
    return model_.read(dom0, path);
  }

  Result<void> write(const std::string& path, std::string_view value) override {
    BOOST_OUTCOME_TRYV(model_.read(dom0, path));  // fails if `path` is no path
    if (value.size() > longest_value) {
      return Error{.cause = Cause::store_error,
                   .message = "xenstore write of " + path + ": too long",
                   .raw = E2BIG};
    }
    make(path);
    values_[path] = std::string{value};
    changes_.push_back({path, Write{std::string{value}}});
    return success();
  }

  Result<void> remove(const std::string& path) override {
    BOOST_OUTCOME_TRY(remove_children(path));
    values_[path] = std::nullopt;
    changes_.push_back({path, Remove{}});
    return success();
  }

  Result<void> set_permissions(const std::string& path,
                               std::span<const Permission> permissions) override {
    BOOST_OUTCOME_TRY(const auto value, read(path));
    if (!value) {
      return Error{.cause = Cause::store_error,
                   .message = "xenstore chmod of " + path + ": no such node",
                   .raw = ENOENT};
    }
    changes_.push_back({path, Permit{{permissions.begin(), permissions.end()}}});
    return success();
  }

  /// False: another writer interfered, and nothing was changed.
  Result<bool> commit() {
    model_.record_changes(nullptr);
    for (const std::string& path : foreign_) {
      if (read_.contains(path)) return false;
    }
    for (const auto& [path, change] : changes_) {
      if (const auto* written = std::get_if<Write>(&change)) {
        BOOST_OUTCOME_TRY(model_.write(dom0, path, written->value));
      } else if (const auto* permitted = std::get_if<Permit>(&change)) {
        BOOST_OUTCOME_TRY(model_.set_permissions(dom0, path, permitted->permissions));
      } else {
        BOOST_OUTCOME_TRY(model_.remove(dom0, path));
      }
    }
    return true;
  }

 private:
  struct Write {
    std::string value;
  };
  struct Remove {};
  struct Permit {
    std::vector<Permission> permissions;
  };
  struct Change {
    std::string path;
    std::variant<Write, Remove, Permit> what;
  };

  [[nodiscard]] bool exists(const std::string& path) const {
    const auto own = values_.find(path);
    if (own != values_.end()) return own->second.has_value();
    return model_.read(dom0, path).value().has_value();
  }

  /// A new node changes its parent, and xenstored reads the parent for that.
  void make(const std::string& path) {
    if (exists(path)) return;
    const std::string above{parent_of(path)};
    make(above);
    read_.insert(above);
    values_[path] = "";
  }

  /// The children's names as this transaction sees them.
  Result<std::set<std::string>> children_of(const std::string& path) {
    read_.insert(path);
    BOOST_OUTCOME_TRY(const auto found, model_.list(dom0, path));
    std::set<std::string> names{found.begin(), found.end()};
    const std::string prefix = path + "/";
    for (const auto& [changed, value] : values_) {
      if (!changed.starts_with(prefix)) continue;
      const std::string rest = changed.substr(prefix.size());
      const std::string child = rest.substr(0, rest.find('/'));
      if (value) {
        names.insert(child);
      } else if (child == rest) {
        names.erase(child);
      }
    }
    return names;
  }

  Result<void> remove_children(const std::string& path) {
    BOOST_OUTCOME_TRY(const auto children, children_of(path));
    for (const std::string& child : children) {
      const std::string below = std::string{path}.append("/").append(child);
      BOOST_OUTCOME_TRY(remove_children(below));
      values_[below] = std::nullopt;
    }
    return success();
  }

  StoreModel& model_;
  std::set<std::string> read_{};
  std::vector<std::string> foreign_{};
  std::map<std::string, std::optional<std::string>> values_{};
  std::vector<Change> changes_{};
};

}  // namespace

Result<void> SimStore::check() const {
  if (model_->broken()) return *model_->broken();
  return success();
}

Result<std::optional<std::string>> SimStore::read(const std::string& path) {
  BOOST_OUTCOME_TRY(check());
  return model_->read(dom0, path);
}

Result<void> SimStore::write(const std::string& path, std::string_view value) {
  BOOST_OUTCOME_TRY(check());
  return model_->write(dom0, path, value);
}

Result<void> SimStore::remove(const std::string& path) {
  BOOST_OUTCOME_TRY(check());
  return model_->remove(dom0, path);
}

Result<void> SimStore::set_permissions(const std::string& path,
                                       std::span<const Permission> permissions) {
  BOOST_OUTCOME_TRY(check());
  return model_->set_permissions(dom0, path, permissions);
}

Result<std::unique_ptr<Watch>> SimStore::watch(const std::string& path, Wakeup& wakeup) {
  BOOST_OUTCOME_TRY(check());
  if (!path.starts_with('@')) {
    BOOST_OUTCOME_TRYV(model_->read(dom0, path));  // fails if `path` is no path
  }
  return std::make_unique<SimWatch>(model_, clock_, path, wakeup);
}

Result<void> SimStore::transact(const std::function<Result<void>(StoreView&)>& body) {
  BOOST_OUTCOME_TRY(check());
  for (int attempt = 0; attempt < 16; ++attempt) {
    Transaction transaction{*model_};
    BOOST_OUTCOME_TRY(body(transaction));
    if (model_->before_commit) model_->before_commit();
    BOOST_OUTCOME_TRY(const bool committed, transaction.commit());
    if (committed) return success();
  }
  return Error{.cause = Cause::store_error,
               .message = "xenstore transaction: others interfered 16 times",
               .raw = EAGAIN};
}

}  // namespace memctl::host::sim
