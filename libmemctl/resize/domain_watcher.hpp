// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/port.hpp"
#include "memctl/watch.hpp"

namespace memctl::resize {

/// Tells of guests that appear, change and end. xenstore's watches wake it; it then compares the
/// guests with those that it knows. So it misses nothing that lasts, and tells nothing twice.
/// Belongs to the host's executor, except for `stop`.
class DomainWatcher {
 public:
  /// `port` must outlive this.
  DomainWatcher(host::Port& port, std::function<void(const DomainChange&)> tell);

  /// Registers the watches. Errors: `store_error`.
  [[nodiscard]] Result<void> open();
  /// Tells until `stop`. Guests that run already appear first. If the host fails, looks again a
  /// second later.
  [[nodiscard]] boost::asio::awaitable<void> run();
  /// Nothing is told from now on. Any thread may call it; `wake` then ends `run`.
  void stop() { stopped_ = true; }
  void wake() { wakeup_.notify(); }

 private:
  struct Known {
    DomainIdentity identity;
    std::unique_ptr<host::Watch> limits{};
    std::unique_ptr<host::Watch> name{};
    std::optional<std::string> target{};
    std::optional<std::string> limit{};
  };

  [[nodiscard]] Result<void> look(const std::vector<DomainIdentity>& guests);
  [[nodiscard]] Result<void> meet(const DomainIdentity& guest);
  [[nodiscard]] Result<void> compare(Known& known, DomainIdentity guest);
  /// Whether the keys are other than those that are known, which they then are.
  [[nodiscard]] Result<bool> read_limits(Known& known);
  void tell(Change change, const DomainIdentity& domain) const;

  host::Port& port_;
  std::function<void(const DomainChange&)> tell_;
  std::atomic<bool> stopped_{false};
  host::Wakeup wakeup_{};
  std::unique_ptr<host::Watch> beginnings_{};
  std::unique_ptr<host::Watch> ends_{};
  std::map<DomainId, Known> known_{};
};

}  // namespace memctl::resize
