// SPDX-License-Identifier: LGPL-2.1-or-later
#include "resize/domain_watcher.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "resize/held_limits.hpp"

namespace memctl::resize {

DomainWatcher::DomainWatcher(host::Port& port, std::function<void(const DomainChange&)> tell)
    : port_{port}, tell_{std::move(tell)} {}

Result<void> DomainWatcher::open() {
  BOOST_OUTCOME_TRY(beginnings_, port_.store().watch("@introduceDomain", wakeup_));
  BOOST_OUTCOME_TRY(ends_, port_.store().watch("@releaseDomain", wakeup_));
  return success();
}

boost::asio::awaitable<void> DomainWatcher::run() {
  while (!stopped_) {
    const auto guests = co_await port_.hypervisor().domains();
    const bool looked = guests && look(guests.value());
    if (stopped_) break;
    const auto now = port_.clock().now();
    co_await port_.clock().wait(wakeup_,
                                looked ? host::TimePoint::max() : now + std::chrono::seconds{1});
  }
}

Result<void> DomainWatcher::look(const std::vector<DomainIdentity>& guests) {
  // A number that another domain has now ends before that domain appears.
  for (auto known = known_.begin(); known != known_.end();) {
    const auto found = std::ranges::find(guests, known->first, &DomainIdentity::id);
    if (found != guests.end() && found->uuid == known->second.identity.uuid) {
      ++known;
      continue;
    }
    const DomainIdentity gone = std::move(known->second.identity);
    known = known_.erase(known);
    tell(Change::ended, gone);
  }
  for (const DomainIdentity& guest : guests) {
    const auto known = known_.find(guest.id);
    auto seen = known == known_.end() ? meet(guest) : compare(known->second, guest);
    if (!seen) return seen;
  }
  return success();
}

Result<void> DomainWatcher::meet(const DomainIdentity& guest) {
  Known known{.identity = guest};
  BOOST_OUTCOME_TRY(known.limits, port_.store().watch(limits_path(guest.id), wakeup_));
  const std::string home = "/local/domain/" + std::to_string(number(guest.id));
  BOOST_OUTCOME_TRY(known.name, port_.store().watch(home + "/name", wakeup_));
  BOOST_OUTCOME_TRY(read_limits(known));
  known_.emplace(guest.id, std::move(known));
  tell(Change::appeared, guest);
  return success();
}

Result<void> DomainWatcher::compare(Known& known, DomainIdentity guest) {
  // A toolstack that destroys a domain removes the name first.
  if (guest.name.empty()) guest.name = known.identity.name;
  static_cast<void>(known.name->take());  // the name is in `guest`
  bool changed = known.identity != guest;
  if (known.limits->take()) {
    BOOST_OUTCOME_TRY(const bool limits_changed, read_limits(known));
    changed = changed || limits_changed;
  }
  known.identity = std::move(guest);
  if (changed) tell(Change::changed, known.identity);
  return success();
}

Result<bool> DomainWatcher::read_limits(Known& known) {
  const std::string path = limits_path(known.identity.id);
  BOOST_OUTCOME_TRY(auto target, port_.store().read(path + "/target"));
  BOOST_OUTCOME_TRY(auto limit, port_.store().read(path + "/static-max"));
  const bool changed = target != known.target || limit != known.limit;
  known.target = std::move(target);
  known.limit = std::move(limit);
  return changed;
}

void DomainWatcher::tell(Change change, const DomainIdentity& domain) const {
  if (!stopped_) tell_({.change = change, .domain = domain});
}

}  // namespace memctl::resize
