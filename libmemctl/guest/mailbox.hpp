// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/facts.hpp"
#include "host/store.hpp"

namespace memctl::guest {

/// The nodes through which dom0 and one guest's agent talk, seen from dom0. Belongs to the store's
/// executor. The store must outlive it.
class Mailbox {
 public:
  Mailbox(host::Store& store, DomainId domain);

  /// The hello and the report that stand there now, decoded and within their bounds. Nothing: there
  /// is none, or it cannot be decoded. Errors: `store_error`.
  [[nodiscard]] Result<std::optional<AgentHello>> hello();
  [[nodiscard]] Result<std::optional<AgentReport>> report();
  /// Writes the request to a node that the guest can read and cannot write. Errors:
  /// `no_such_domain`, `store_error`.
  [[nodiscard]] Result<void> write(const AgentRequest& request);
  /// The sequence number of the request that stands there; 0 if there is none. Errors:
  /// `store_error`.
  [[nodiscard]] Result<std::uint64_t> last_request_sequence();
  /// Notifies `wakeup` each time the guest has written something. Errors: `store_error`.
  [[nodiscard]] Result<std::unique_ptr<host::Watch>> watch(host::Wakeup& wakeup);

 private:
  /// data/memctl, which the guest writes.
  [[nodiscard]] std::string directory() const { return home_ + "/data/memctl"; }
  /// control/memctl, which dom0 owns.
  [[nodiscard]] std::string control() const { return home_ + "/control/memctl"; }
  [[nodiscard]] std::string request_node() const { return control() + "/request"; }

  host::Store* store_;
  std::string home_;  ///< The domain's own directory, which only dom0 writes.
  DomainId domain_;
  bool prepared_{false};
};

}  // namespace memctl::guest
