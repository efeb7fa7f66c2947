// SPDX-License-Identifier: LGPL-2.1-or-later
#include "resize/held_limits.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "memctl/size.hpp"

namespace memctl::resize {
namespace {

/// Nothing: it is no number of KiB.
std::optional<Kib> size_in(const std::optional<std::string>& text) {
  std::int64_t kib{};
  if (!text) return std::nullopt;
  const char* const end = text->data() + text->size();
  const auto parsed = std::from_chars(text->data(), end, kib);
  if (parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
  return Kib{kib};
}

}  // namespace

std::string limits_path(DomainId domain) {
  return "/local/domain/" + std::to_string(number(domain)) + "/memory";
}

HeldLimits::HeldLimits(host::Port& port, host::Wakeup& wakeup, ObservedDomain& domain)
    : port_{&port}, wakeup_{&wakeup}, domain_{&domain} {}

Result<void> HeldLimits::open() {
  BOOST_OUTCOME_TRY(watch_, port_->store().watch(limits_path(domain_->id()), *wakeup_));
  return success();
}

void HeldLimits::hold() {
  const DomainFacts& domain = domain_->facts().domain;
  target_ = domain.target;
  limit_ = domain.limit;
  max_pages_ = domain.memory.max_pages;
}

bool HeldLimits::target_is_anothers() const {
  return target_ && domain_->facts().domain.target != target_;
}

Error HeldLimits::superseded(const std::string& what, std::optional<Kib> size) const {
  const std::string now = size ? to_string(*size) : "something that is no size";
  return {.cause = Cause::superseded,
          .message = "another tool set " + what + " to " + now + " during the resize"};
}

Result<std::optional<std::string>> HeldLimits::read_key(const char* key) {
  BOOST_OUTCOME_TRY(auto text, port_->store().read(limits_path(domain_->id()) + "/" + key));
  if (!text) {
    BOOST_OUTCOME_TRY(domain_->require_nodes());
  }
  return text;
}

Result<void> HeldLimits::require_our_target() {
  if (!target_) return success();
  BOOST_OUTCOME_TRY(const auto text, read_key("target"));
  if (text == std::to_string(target_->count())) return success();
  const auto target = size_in(text);
  const std::string& name = domain_->identity().name;
  if (!target) return superseded("the target of " + name, target);
  return superseded(name, *target + domain_->facts().domain.video_ram);
}

Result<void> HeldLimits::require_our_limit() {
  if (!limit_) return success();
  BOOST_OUTCOME_TRY(const auto text, read_key("static-max"));
  if (text == std::to_string(limit_->count())) return success();
  return superseded("the limit of " + domain_->identity().name, size_in(text));
}

/// The first max_pages that is read after a call of ours failed counts as ours.
Result<void> HeldLimits::require_our_max_pages() {
  const Kib max = domain_->facts().domain.memory.max_pages;
  if (!max_pages_) max_pages_ = max;
  if (to_pages(max) == to_pages(*max_pages_)) return success();
  return superseded("max_pages of " + domain_->identity().name, max);
}

Result<void> HeldLimits::require_ours() {
  if (watch_->take()) {
    BOOST_OUTCOME_TRY(require_our_target());
    BOOST_OUTCOME_TRY(require_our_limit());
  }
  return require_our_max_pages();
}

Result<void> HeldLimits::refresh_limits() {
  BOOST_OUTCOME_TRY(domain_->read_memory());
  BOOST_OUTCOME_TRY(domain_->require_running());
  BOOST_OUTCOME_TRY(require_our_target());
  BOOST_OUTCOME_TRY(require_our_limit());
  return require_our_max_pages();
}

host::Task<void> HeldLimits::set_size(const Patience& patience, Kib size, Kib lowest_limit) {
  const DomainFacts& domain = domain_->facts().domain;
  BOOST_OUTCOME_CO_TRY(co_await make_room(patience, size));
  BOOST_OUTCOME_CO_TRY(refresh_limits());
  target_.reset();
  max_pages_.reset();
  domain_->note_target(std::nullopt);
  BOOST_OUTCOME_CO_TRY(
      co_await patience.answer_of(port_->hypervisor().set_size(domain_->id(), size), &unanswered_));
  target_ = size - domain.video_ram;
  max_pages_ = size + plan::max_pages_slack;
  domain_->note_target(target_);
  if (domain.limit <= std::max(size, lowest_limit)) co_return success();
  BOOST_OUTCOME_CO_TRY(co_await set_limit(patience, std::max(size, lowest_limit)));
  co_return set_max_pages(size + plan::max_pages_slack);
}

host::Task<void> HeldLimits::make_room(const Patience& patience, Kib size) {
  if (size <= domain_->facts().domain.limit) co_return success();
  co_return co_await set_limit(patience, size);
}

host::Task<void> HeldLimits::set_limit(const Patience& patience, Kib limit) {
  BOOST_OUTCOME_CO_TRY(refresh_limits());
  limit_.reset();
  max_pages_.reset();
  BOOST_OUTCOME_CO_TRY(co_await patience.answer_of(
      port_->hypervisor().set_limit(domain_->id(), limit), &unanswered_));
  limit_ = limit;
  max_pages_ = limit + plan::max_pages_slack;
  domain_->note_limit(limit);
  co_return success();
}

Result<void> HeldLimits::set_max_pages(Kib size) {
  BOOST_OUTCOME_TRY(refresh_limits());
  max_pages_.reset();
  BOOST_OUTCOME_TRY(port_->hypervisor().set_max_pages(domain_->id(), size));
  max_pages_ = size;
  return success();
}

Result<void> HeldLimits::lift_cap(Kib earlier) {
  if (!max_pages_) return success();
  BOOST_OUTCOME_TRY(domain_->read_memory());
  BOOST_OUTCOME_TRY(require_our_max_pages());
  if (domain_->facts().domain.memory.max_pages >= earlier) return success();
  return port_->hypervisor().set_max_pages(domain_->id(), earlier);
}

Result<void> HeldLimits::set_pool(Kib pool) {
  domain_->note_pool(std::nullopt);
  BOOST_OUTCOME_TRY(port_->hypervisor().set_pool(domain_->id(), pool));
  domain_->note_pool(pool);
  return success();
}

host::Task<void> HeldLimits::raise_frozen_pool(const Patience& patience, Kib pool) {
  const auto found = domain_->facts().domain.frozen_pool;
  domain_->note_frozen_pool(pool);  // also if the call fails: it may have written it
  BOOST_OUTCOME_CO_TRY(
      const auto fixed,
      co_await patience.answer_of(port_->hypervisor().set_frozen_pool(domain_->id(), found, pool),
                                  &unanswered_));
  domain_->note_frozen_pool(fixed);
  if (!fixed || *fixed >= pool) co_return success();
  co_return superseded("the stored paging pool of " + domain_->identity().name, fixed);
}

host::Task<void> HeldLimits::return_frozen_pool(const Patience& patience, Kib ours, Kib earlier) {
  BOOST_OUTCOME_CO_TRY(
      const auto fixed,
      co_await patience.answer_of(port_->hypervisor().set_frozen_pool(domain_->id(), ours, earlier),
                                  &unanswered_));
  domain_->note_frozen_pool(fixed);
  co_return success();
}

}  // namespace memctl::resize
