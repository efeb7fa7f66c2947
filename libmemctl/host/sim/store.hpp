// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include "host/sim/clock.hpp"
#include "host/sim/store_model.hpp"
#include "host/store.hpp"

namespace memctl::host::sim {

/// dom0's view of the simulated xenstore. It owns the tree together with its watches.
class SimStore final : public Store {
 public:
  /// If a watched node changes more often within a second, its watch ends, as on a real host.
  static constexpr int most_changes_per_second = 1000;

  explicit SimStore(std::shared_ptr<StoreModel> model, VirtualClock clock = {})
      : model_{std::move(model)}, clock_{std::move(clock)} {}

  Result<std::optional<std::string>> read(const std::string& path) override;
  Result<void> write(const std::string& path, std::string_view value) override;
  Result<void> remove(const std::string& path) override;
  Result<void> set_permissions(const std::string& path,
                               std::span<const Permission> permissions) override;
  Result<std::unique_ptr<Watch>> watch(const std::string& path, Wakeup& wakeup) override;
  Result<void> transact(const std::function<Result<void>(StoreView&)>& body) override;

 private:
  [[nodiscard]] Result<void> check() const;
  std::shared_ptr<StoreModel> model_;
  VirtualClock clock_;
};

}  // namespace memctl::host::sim
