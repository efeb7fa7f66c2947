// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include "host/store.hpp"
#include "host/xen/store_handle.hpp"
#include "host/xen/watches.hpp"

namespace memctl::host::xen {

/// xenstore's nodes through one connection, in a transaction or without one.
class XenStoreView final : public StoreView {
 public:
  XenStoreView(StoreHandle handle, xs_transaction_t transaction)
      : handle_{std::move(handle)}, transaction_{transaction} {}

  [[nodiscard]] Result<std::optional<std::string>> read(const std::string& path) override;
  [[nodiscard]] Result<void> write(const std::string& path, std::string_view value) override;
  [[nodiscard]] Result<void> remove(const std::string& path) override;
  [[nodiscard]] Result<void> set_permissions(const std::string& path,
                                             std::span<const Permission> permissions) override;

 private:
  StoreHandle handle_;
  xs_transaction_t transaction_;
};

class XenStore final : public Store {
 public:
  XenStore(StoreHandle handle, boost::asio::io_context& context);

  [[nodiscard]] Result<std::optional<std::string>> read(const std::string& path) override {
    return view_.read(path);
  }
  [[nodiscard]] Result<void> write(const std::string& path, std::string_view value) override {
    return view_.write(path, value);
  }
  [[nodiscard]] Result<void> remove(const std::string& path) override { return view_.remove(path); }
  [[nodiscard]] Result<void> set_permissions(const std::string& path,
                                             std::span<const Permission> permissions) override {
    return view_.set_permissions(path, permissions);
  }

  [[nodiscard]] Result<std::unique_ptr<Watch>> watch(const std::string& path,
                                                     Wakeup& wakeup) override;
  [[nodiscard]] Result<void> transact(const std::function<Result<void>(StoreView&)>& body) override;

 private:
  StoreHandle handle_;
  XenStoreView view_;
  std::shared_ptr<Watches> watches_;
};

}  // namespace memctl::host::xen
