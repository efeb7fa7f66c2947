// SPDX-License-Identifier: LGPL-2.1-or-later
#include "resize/patience.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "base/domain_error.hpp"

namespace memctl::resize {
namespace {

/// Most calls of libxl's take milliseconds. Even if nobody wants the resize any more, libxl gets
/// this long to answer: a call that we stop waiting for leaves the domain half-way.
constexpr std::chrono::seconds answer_time{5};

}  // namespace

Patience::Patience(host::Clock& clock, host::Wakeup& wakeup, const DomainIdentity& domain,
                   host::Duration stall, const Wish* wish)
    : clock_{&clock},
      wakeup_{&wakeup},
      domain_{&domain},
      stall_{std::max<host::Duration>(stall, answer_time)},
      wish_{wish} {}

Patience Patience::until(host::TimePoint end, std::string message) const {
  Patience bounded{*this};
  bounded.end_ = End{.at = end, .message = std::move(message)};
  return bounded;
}

Result<void> Patience::require_wish() const {
  if (end_ && clock_->now() >= end_->at) {
    return domain_error(*domain_, Cause::stalled, end_->message);
  }
  return wish_ != nullptr ? wish_->require() : Result<void>{success()};
}

boost::asio::awaitable<void> Patience::wait(host::Duration time) const {
  const host::TimePoint until = before_the_end(clock_->now() + time);
  co_await clock_->wait(*wakeup_, until);
}

Result<void> Patience::require_answer(host::TimePoint called) const {
  const auto waited = clock_->now() - called;
  if (waited < answer_time) return success();
  const auto wished = require_wish();
  if (wished && waited < stall_) return success();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(waited);
  const std::string silent = "libxl has not answered for " + std::to_string(seconds.count()) +
                             " s: another tool may hold its lock of the domain";
  Error error = wished ? domain_error(*domain_, Cause::stalled, silent) : wished.error();
  if (!wished) error.message += "; " + silent;
  error.hint = "fuser -v /var/lib/xen/userdata-l." + std::to_string(number(domain_->id)) +
               ".* shows who holds it";
  return error;
}

host::TimePoint Patience::waits_until(host::TimePoint called) const {
  return std::max(before_the_end(called + stall_), called + answer_time);
}

host::TimePoint Patience::before_the_end(host::TimePoint until) const {
  if (end_) until = std::min(until, end_->at);
  if (wish_ != nullptr) until = std::min(until, wish_->ends_at().value_or(until));
  return until;
}

}  // namespace memctl::resize
