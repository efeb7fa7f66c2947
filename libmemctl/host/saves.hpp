// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "host/clock.hpp"
#include "memctl/error.hpp"
#include "memctl/units.hpp"

namespace memctl::host {

/// The saves under way on a host, as all of its operations see them: one look through the processes
/// of dom0 serves every question that a look of that age may answer. A hundred domains that grow at
/// once would otherwise look hundreds of times a second. Not thread-safe.
class Saves {
 public:
  /// Finds the domains that are being saved at this moment, which is `now`.
  using Find = std::function<Result<std::vector<DomainId>>(TimePoint now)>;
  explicit Saves(Find find) : find_{std::move(find)} {}

  /// Whether `domain` was being saved at the last look. Nothing: that look began before `since`, or
  /// at that very instant, or there was none.
  [[nodiscard]] std::optional<bool> include(DomainId domain, TimePoint since) const {
    if (!last_ || last_->begun <= since) return std::nullopt;
    return std::ranges::find(last_->saved, domain) != last_->saved.end();
  }

  /// Looks. `now` is the time at which the look begins. Errors: those of finding.
  [[nodiscard]] Result<void> look(TimePoint now) {
    last_.reset();  // if this look fails, nothing is known
    BOOST_OUTCOME_TRY(auto saved, find_(now));
    last_ = Look{.begun = now, .saved = std::move(saved)};
    return success();
  }

 private:
  struct Look {
    TimePoint begun{};
    std::vector<DomainId> saved{};
  };
  Find find_;
  std::optional<Look> last_{};
};

}  // namespace memctl::host
