// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/xen/saves.hpp"

#include <algorithm>
#include <utility>

#include "host/xen/process.hpp"

namespace memctl::host::xen {

Saves::Saves(std::filesystem::path proc, uid_t root) : proc_{std::move(proc)}, root_{root} {}

std::optional<bool> Saves::include(DomainId domain, TimePoint since) const {
  if (!last_ || last_->begun <= since) return std::nullopt;
  return std::ranges::find(last_->saved, domain) != last_->saved.end();
}

Result<void> Saves::look(TimePoint now) {
  last_.reset();  // if this look fails, nothing is known
  BOOST_OUTCOME_TRY(auto saved, domains_being_saved(proc_, root_));
  last_ = Look{.begun = now, .saved = std::move(saved)};
  return success();
}

}  // namespace memctl::host::xen
