// SPDX-License-Identifier: LGPL-2.1-or-later
#include "guest/session.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "guest/message.hpp"

namespace memctl::guest {
namespace {
/// Twice within the time that an answer may take.
constexpr std::chrono::seconds repeat_time{2};
}  // namespace

Session::Session(host::Port& port, DomainId domain, std::uint64_t operation, host::Wakeup& wakeup)
    : port_{&port}, wakeup_{&wakeup}, mailbox_{port.store(), domain}, operation_{operation} {}

Result<Session> Session::open(host::Port& port, DomainId domain, std::uint64_t operation,
                              host::Wakeup& wakeup) {
  Session session{port, domain, operation, wakeup};
  BOOST_OUTCOME_TRY(session.watch_, session.mailbox_.watch(wakeup));
  BOOST_OUTCOME_TRY(session.sequence_, session.mailbox_.last_request_sequence());
  BOOST_OUTCOME_TRY(session.poll());
  return session;
}

Result<void> Session::poll() {
  if (!watch_->take()) return success();
  BOOST_OUTCOME_TRY(auto hello, mailbox_.hello());
  // An agent that started anew counts its reports from the beginning.
  if (hello && hello_ && hello->instance != hello_->instance) report_.reset();
  hello_ = std::move(hello);

  BOOST_OUTCOME_TRY(auto report, mailbox_.report());
  if (!report || report->operation != operation_) return success();
  if (report_ && report->sequence <= report_->sequence) return success();
  report_ = std::move(report);
  reported_at_ = port_->clock().now();
  return success();
}

Result<void> Session::check_hello() const {
  if (!hello_) {
    return Error{.cause = Cause::agent_absent,
                 .message = "no memctl-agent has announced itself in the guest"};
  }
  if (hello_->protocol_min > protocol_max || hello_->protocol_max < protocol_min) {
    return Error{.cause = Cause::agent_incompatible,
                 .message = "the guest's memctl-agent " + hello_->agent_version +
                            " speaks protocol " + std::to_string(hello_->protocol_min) + " to " +
                            std::to_string(hello_->protocol_max) + ", this library " +
                            std::to_string(protocol_min) + " to " + std::to_string(protocol_max)};
  }
  return success();
}

Result<void> Session::send(RequestKind kind, std::uint32_t stage, Kib target, OnlineZone online) {
  asked_at_ = port_->clock().now();
  return write(kind, stage, target, online);
}

Result<void> Session::write(RequestKind kind, std::uint32_t stage, Kib target, OnlineZone online) {
  const std::uint32_t protocol =
      hello_ ? std::min(protocol_max, hello_->protocol_max) : protocol_max;
  return mailbox_.write({.protocol = protocol,
                         .operation = operation_,
                         .sequence = ++sequence_,
                         .kind = kind,
                         .stage = stage,
                         .target = target,
                         .online = online});
}

bool Session::answered() const { return report_ && report_->request >= sequence_; }

host::Task<AgentReport> Session::ask(RequestKind kind, std::uint32_t stage, Kib target,
                                     OnlineZone online) {
  BOOST_OUTCOME_CO_TRY(poll());
  BOOST_OUTCOME_CO_TRY(check_hello());
  BOOST_OUTCOME_CO_TRY(send(kind, stage, target, online));
  const host::TimePoint until = asked_at_ + answer_time;
  host::TimePoint written = asked_at_;
  bool others = false;
  while (!answered()) {
    if (port_->clock().now() >= until) {
      co_return Error{.cause = Cause::agent_absent,
                      .message = "the guest's memctl-agent has not answered for " +
                                 std::to_string(answer_time.count()) + " s"};
    }
    co_await port_->clock().wait(*wakeup_, std::min(until, written + repeat_time));
    others = true;
    BOOST_OUTCOME_CO_TRY(poll());
    if (!answered() && port_->clock().now() >= written + repeat_time) {
      // The mailbox holds one request: another's, a status for example, may have taken its place.
      written = port_->clock().now();
      BOOST_OUTCOME_CO_TRY(write(kind, stage, target, online));
    }
  }
  if (others) wakeup_->notify();
  co_return *report_;
}

}  // namespace memctl::guest
