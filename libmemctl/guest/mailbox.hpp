// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/facts.hpp"
#include "host/store.hpp"

namespace memctl::guest {

/// The nodes through which dom0 and one guest's agent talk, seen from dom0. Belongs to the store's
/// executor; the store must outlive it.
class Mailbox {
 public:
  Mailbox(host::Store& store, DomainId domain);

  /// The hello and report that stand there now, bounded and decoded; nothing where there is none,
  /// or none that can be read. Errors: `store_error`.
  [[nodiscard]] Result<std::optional<AgentHello>> hello();
  [[nodiscard]] Result<std::optional<AgentReport>> report();
  /// Writes the request where the guest can read it and cannot write. Errors: `no_such_domain`,
  /// `store_error`.
  [[nodiscard]] Result<void> write(const AgentRequest& request);
  /// The sequence number of the request that stands there, 0 where none does. Errors:
  /// `store_error`.
  [[nodiscard]] Result<std::uint64_t> last_request_sequence();
  /// Notifies `wakeup` when the guest wrote something. Errors: `store_error`.
  [[nodiscard]] Result<std::unique_ptr<host::Watch>> watch(host::Wakeup& wakeup);

 private:
  host::Store* store_;
  std::string home_;       ///< the domain's own directory, which only dom0 writes
  std::string directory_;  ///< the domain's data/memctl, written by the guest
  std::string control_;    ///< control/memctl, owned by dom0
  std::string request_;    ///< control/memctl/request, written by dom0
  DomainId domain_;
  bool prepared_{false};
};

}  // namespace memctl::guest
