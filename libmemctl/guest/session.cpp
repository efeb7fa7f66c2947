// SPDX-License-Identifier: LGPL-2.1-or-later
#include "guest/session.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "guest/message.hpp"

namespace memctl::guest {
namespace {
/// A request goes out three times within the time that an answer may take.
constexpr std::chrono::seconds repeat_time{2};
/// If another operation's report is seen, its reader gets this much time to read it.
constexpr std::chrono::milliseconds displaced_time{50};
}  // namespace

Session::Session(host::Port& port, const DomainIdentity& domain, std::uint64_t operation,
                 host::Wakeup& wakeup)
    : port_{&port},
      domain_name_{domain.name},
      mailbox_{port.store(), domain.id},
      bell_{std::make_unique<Bell>(port.clock(), wakeup)},
      request_{.operation = operation} {}

Result<Session> Session::open(host::Port& port, const DomainIdentity& domain,
                              std::uint64_t operation, host::Wakeup& wakeup) {
  Session session{port, domain, operation, wakeup};
  BOOST_OUTCOME_TRY(session.watch_, session.mailbox_.watch(session.bell_->written()));
  BOOST_OUTCOME_TRY(session.request_.sequence, session.mailbox_.last_request_sequence());
  BOOST_OUTCOME_TRY(session.poll());
  return session;
}

Result<void> Session::poll() {
  if (!watch_->take()) return success();
  BOOST_OUTCOME_TRY(auto hello, mailbox_.hello());
  // An agent that has restarted counts its reports from the beginning.
  if (hello && hello_ && hello->instance != hello_->instance) report_.reset();
  hello_ = std::move(hello);

  BOOST_OUTCOME_TRY(auto report, mailbox_.report());
  if (!report) return success();
  if (report->operation != request_.operation) {
    displaced_ = true;
    return success();
  }
  if (report_ && report->sequence <= report_->sequence) return success();
  report_ = std::move(report);
  reported_at_ = port_->clock().now();
  return success();
}

Result<void> Session::require_hello() const {
  if (!hello_) {
    return Error{.cause = Cause::agent_absent,
                 .message = domain_name_ +
                            ": no memctl-agent answers (not installed, not started, or the guest "
                            "is still booting)"};
  }
  if (hello_->protocol_min > protocol_max || hello_->protocol_max < protocol_min) {
    return Error{.cause = Cause::agent_incompatible,
                 .message = domain_name_ + ": memctl-agent " + hello_->agent_version +
                            " speaks protocol " + std::to_string(hello_->protocol_min) + " to " +
                            std::to_string(hello_->protocol_max) + ", this library " +
                            std::to_string(protocol_min) + " to " + std::to_string(protocol_max),
                 .hint = hello_->protocol_min > protocol_max
                             ? "the agent is newer: install the memctl in dom0 that goes with it"
                             : ""};
  }
  return success();
}

Result<void> Session::send(RequestKind kind, std::uint32_t stage, Kib target, OnlineZone online) {
  request_ = {.protocol = hello_ ? std::min(protocol_max, hello_->protocol_max) : protocol_max,
              .operation = request_.operation,
              .sequence = request_.sequence,
              .kind = kind,
              .stage = stage,
              .target = target,
              .online = online};
  first_sequence_ = request_.sequence + 1;
  asked_at_ = port_->clock().now();
  return write();
}

Result<void> Session::write() {
  ++request_.sequence;
  written_at_ = port_->clock().now();
  displaced_ = false;
  return mailbox_.write(request_);
}

Result<void> Session::repeat() {
  if (answered() || port_->clock().now() < repeat_at()) return success();
  return write();
}

host::TimePoint Session::repeat_at() const {
  return written_at_ + (displaced_ ? host::Duration{displaced_time} : host::Duration{repeat_time});
}

bool Session::answered() const { return report_ && report_->request >= first_sequence_; }

host::Task<AgentReport> Session::ask(RequestKind kind, std::uint32_t stage, Kib target,
                                     OnlineZone online) {
  host::TimePoint until = port_->clock().now() + answer_time;
  bool sent = false;
  bool is_away = false;
  int changes = 0;
  for (;;) {
    MEMCTL_CO_TRY(poll());
    // The guest may remove or replace its hello at any time.
    const bool may_come_back = met_ && !hello_;
    // The agent gets the whole time again when it ends, and when it returns, but only once each:
    // it could end and return for ever.
    if (std::exchange(is_away, may_come_back) != may_come_back && changes++ < 2) {
      until = port_->clock().now() + answer_time;
    }
    if (!may_come_back) {
      MEMCTL_CO_TRY(require_hello());
      if (!sent) {
        MEMCTL_CO_TRY(send(kind, stage, target, online));
        sent = true;
      } else if (answered()) {
        break;
      } else {
        MEMCTL_CO_TRY(repeat());
      }
    }
    if (port_->clock().now() >= until) {
      co_return Error{.cause = Cause::agent_absent,
                      .message = domain_name_ + ": memctl-agent has not answered for " +
                                 std::to_string(answer_time.count()) + " s"};
    }
    co_await bell_->wait(may_come_back ? until : std::min(until, repeat_at()));
  }
  met_ = true;
  co_return *report_;
}

}  // namespace memctl::guest
