// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/xen/store.hpp"

#include <utility>

#include "host/xen/errors.hpp"

namespace memctl::host::xen {
namespace {

constexpr int most_attempts = 16;

template <class T>
using Malloced = std::unique_ptr<T, decltype(&std::free)>;

/// Refuses a path that does not begin with a slash, because xenstored would take it as relative to
/// the caller's own domain, a path with a zero byte, because C would end it there, and a long one.
Result<void> require_path(const std::string& path) {
  const bool whole = path.starts_with('/') && path.find('\0') == std::string::npos;
  if (whole && path.size() <= longest_path) return success();
  return store_failed("use", path, EINVAL);
}

/// A transaction. Its destructor aborts it, unless it was committed.
class Transaction {
 public:
  explicit Transaction(xs_handle* handle) : handle_{handle}, id_{xs_transaction_start(handle)} {}
  ~Transaction() {
    if (id_ != XBT_NULL) (void)xs_transaction_end(handle_, id_, true);
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  [[nodiscard]] xs_transaction_t id() const { return id_; }
  [[nodiscard]] bool commit() {
    return xs_transaction_end(handle_, std::exchange(id_, XBT_NULL), false);
  }

 private:
  xs_handle* handle_;
  xs_transaction_t id_;
};

}  // namespace

Result<std::optional<std::string>> XenStoreView::read(const std::string& path) {
  BOOST_OUTCOME_TRYV(require_path(path));
  unsigned int size = 0;
  const Malloced<void> value{xs_read(handle_.get(), transaction_, path.c_str(), &size), &std::free};
  if (value) return std::string(static_cast<const char*>(value.get()), size);
  if (errno == ENOENT) return std::nullopt;
  return store_failed("read", path, errno);
}

Result<void> XenStoreView::write(const std::string& path, std::string_view value) {
  BOOST_OUTCOME_TRYV(require_path(path));
  if (value.size() > longest_value) return store_failed("write", path, E2BIG);
  if (xs_write(handle_.get(), transaction_, path.c_str(), value.data(),
               static_cast<unsigned int>(value.size()))) {
    return success();
  }
  return store_failed("write", path, errno);
}

Result<void> XenStoreView::remove(const std::string& path) {
  BOOST_OUTCOME_TRYV(require_path(path));
  if (xs_rm(handle_.get(), transaction_, path.c_str()) || errno == ENOENT) return success();
  return store_failed("remove", path, errno);
}

Result<void> XenStoreView::set_permissions(const std::string& path,
                                           std::span<const Permission> permissions) {
  BOOST_OUTCOME_TRYV(require_path(path));
  std::vector<xs_permissions> list;
  for (const auto& permission : permissions) {
    unsigned int bits = XS_PERM_NONE;
    if (permission.read) bits |= XS_PERM_READ;
    if (permission.write) bits |= XS_PERM_WRITE;
    list.push_back({.id = number(permission.domain), .perms = bits});
  }
  if (xs_set_permissions(handle_.get(), transaction_, path.c_str(), list.data(),
                         static_cast<unsigned int>(list.size()))) {
    return success();
  }
  return store_failed("set the permissions of", path, errno);
}

XenStore::XenStore(StoreHandle handle, boost::asio::io_context& context)
    : handle_{std::move(handle)},
      view_{handle_, XBT_NULL},
      watches_{std::make_shared<Watches>(handle_, context)} {}

Result<std::unique_ptr<Watch>> XenStore::watch(const std::string& path, Wakeup& wakeup) {
  const bool is_special = path.starts_with('@') && path.find('\0') == std::string::npos;
  if (!is_special) {
    BOOST_OUTCOME_TRYV(require_path(path));
  }
  return watches_->add(path, wakeup);
}

Result<void> XenStore::transact(const std::function<Result<void>(StoreView&)>& body) {
  for (int attempt = 0; attempt < most_attempts; ++attempt) {
    Transaction transaction{handle_.get()};
    if (transaction.id() == XBT_NULL) return store_failed("begin a transaction", "", errno);
    XenStoreView view{handle_, transaction.id()};
    BOOST_OUTCOME_TRYV(body(view));
    if (transaction.commit()) return success();
    if (errno != EAGAIN) return store_failed("commit a transaction", "", errno);
  }
  Error error = store_failed("commit a transaction", "", EAGAIN);
  error.message = "another writer came between in " + std::to_string(most_attempts) +
                  " attempts at a xenstore transaction";
  return error;
}

}  // namespace memctl::host::xen
