// SPDX-License-Identifier: LGPL-2.1-or-later
#include "guest/mailbox.hpp"

#include <array>

#include "guest/message.hpp"

namespace memctl::guest {

Mailbox::Mailbox(host::Store& store, DomainId domain) : store_{&store}, domain_{domain} {
  const std::string home = "/local/domain/" + std::to_string(number(domain));
  directory_ = home + "/data/memctl";
  control_ = home + "/control/memctl";
  request_ = control_ + "/request";
}

Result<std::optional<AgentHello>> Mailbox::hello() {
  BOOST_OUTCOME_TRY(const auto value, store_->read(directory_ + "/hello"));
  return value ? decode_hello(*value) : std::nullopt;
}

Result<std::optional<AgentReport>> Mailbox::report() {
  BOOST_OUTCOME_TRY(const auto value, store_->read(directory_ + "/report"));
  return value ? decode_report(*value) : std::nullopt;
}

Result<void> Mailbox::write(const AgentRequest& request) {
  if (!prepared_) {
    BOOST_OUTCOME_TRY(prepare());
    prepared_ = true;
  }
  return store_->write(request_, encode(request));
}

// A node that xenstored makes inherits its parent's permissions, whatever a toolstack chose for
// those. So ours are set while there is nothing to read, and before anything is believed by the
// guest. A request that stands there is not overwritten by this: its sequence number counts.
Result<void> Mailbox::prepare() {
  BOOST_OUTCOME_TRY(const auto standing, store_->read(request_));
  if (!standing) {
    BOOST_OUTCOME_TRY(store_->write(request_, ""));
  }
  const std::array permissions{host::Permission{.domain = DomainId{0}},
                               host::Permission{.domain = domain_, .read = true}};
  BOOST_OUTCOME_TRY(store_->set_permissions(control_, permissions));
  return store_->set_permissions(request_, permissions);
}

Result<std::uint64_t> Mailbox::last_request_sequence() {
  BOOST_OUTCOME_TRY(const auto value, store_->read(request_));
  if (!value) return std::uint64_t{0};
  const auto request = decode_request(*value);
  return request ? request->sequence : 0;
}

Result<std::unique_ptr<host::Watch>> Mailbox::watch(host::Wakeup& wakeup) {
  return store_->watch(directory_, wakeup);
}

}  // namespace memctl::guest
