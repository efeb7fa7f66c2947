// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "host/clock.hpp"
#include "memctl/error.hpp"
#include "memctl/units.hpp"

namespace memctl::host::xen {

/// The saves under way on this host, as all of its operations see them: one look through the
/// processes of dom0 serves every question that a look of that age may answer. A hundred domains
/// that grow at once would otherwise look hundreds of times a second.
class Saves {
 public:
  /// `proc` and `root` as in host/xen/process.hpp.
  explicit Saves(std::filesystem::path proc = "/proc", uid_t root = 0);

  /// Whether `domain` was being saved at the last look. Nothing: that look began before `since`, or
  /// at that very instant, or there was none.
  [[nodiscard]] std::optional<bool> include(DomainId domain, TimePoint since) const;
  /// Looks. `now` is the time at which the look begins. Errors: `hypervisor_error`.
  [[nodiscard]] Result<void> look(TimePoint now);

 private:
  struct Look {
    TimePoint begun{};
    std::vector<DomainId> saved{};
  };
  std::filesystem::path proc_;
  uid_t root_;
  std::optional<Look> last_{};
};

}  // namespace memctl::host::xen
