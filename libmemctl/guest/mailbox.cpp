// SPDX-License-Identifier: LGPL-2.1-or-later
#include "guest/mailbox.hpp"

#include <array>

#include "guest/message.hpp"

namespace memctl::guest {

Mailbox::Mailbox(host::Store& store, DomainId domain)
    : store_{&store}, home_{"/local/domain/" + std::to_string(number(domain))}, domain_{domain} {}

Result<std::optional<AgentHello>> Mailbox::hello() {
  BOOST_OUTCOME_TRY(const auto value, store_->read(directory() + "/hello"));
  return value ? decode_hello(*value) : std::nullopt;
}

Result<std::optional<AgentReport>> Mailbox::report() {
  BOOST_OUTCOME_TRY(const auto value, store_->read(directory() + "/report"));
  return value ? decode_report(*value) : std::nullopt;
}

// The transaction looks for the domain first, because a request to a domain that has gone would
// make the domain's nodes anew. A new node inherits its parent's permissions, which a toolstack may
// have chosen freely; so the transaction sets our permissions before another process can read it.
Result<void> Mailbox::write(const AgentRequest& request) {
  const std::string text = encode(request);
  const std::string node = request_node();
  BOOST_OUTCOME_TRY(store_->transact([&](host::StoreView& view) -> Result<void> {
    BOOST_OUTCOME_TRY(const auto home, view.read(home_));
    if (!home) return Error{.cause = Cause::no_such_domain, .message = "the domain has gone"};
    BOOST_OUTCOME_TRY(view.write(node, text));
    if (prepared_) return success();
    const std::array permissions{host::Permission{.domain = DomainId{0}},
                                 host::Permission{.domain = domain_, .read = true}};
    BOOST_OUTCOME_TRY(view.set_permissions(control(), permissions));
    return view.set_permissions(node, permissions);
  }));
  prepared_ = true;
  return success();
}

Result<std::uint64_t> Mailbox::last_request_sequence() {
  BOOST_OUTCOME_TRY(const auto value, store_->read(request_node()));
  if (!value) return std::uint64_t{0};
  const auto request = decode_request(*value);
  return request ? request->sequence : 0;
}

Result<std::unique_ptr<host::Watch>> Mailbox::watch(host::Wakeup& wakeup) {
  return store_->watch(directory(), wakeup);
}

}  // namespace memctl::guest
