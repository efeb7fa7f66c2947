// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "guest/session.hpp"
#include "host/port.hpp"
#include "host/task.hpp"
#include "memctl/resize.hpp"
#include "plan/input.hpp"
#include "resize/pending_call.hpp"
#include "resize/progress.hpp"

namespace memctl::resize {

/// Whether there is nothing left to be undone. Of the causes that a look at the domain gave: a call
/// that says `no_such_domain` of one that stands is one that failed.
[[nodiscard]] bool domain_went_away(Cause cause);

/// What the steps of one operation share: the domain as it is now, the conversation with its agent,
/// and everything that can end the operation early. Belongs to the host's executor.
class Context {
 public:
  Context(host::Port& port, DomainIdentity domain, ResizeOptions options);

  /// Opens the mailbox and the watches. Errors: `store_error`.
  [[nodiscard]] Result<void> open();
  /// Measures host and domain, and asks the agent. An agent that doesn't answer leaves the guest's
  /// facts unknown and `agent_error` set.
  [[nodiscard]] host::Task<plan::Input> gather();
  /// Whether the domain still runs, by the facts at hand: `domain_gone`, `guest_rebooted`,
  /// `domain_migrating`.
  [[nodiscard]] Result<void> check_life() const;
  /// Why something failed: that the domain has ended, by a look at it now, or else `error`.
  [[nodiscard]] Error reason_of(Error error);
  /// Removes what a call of libxl's made anew of the nodes of a domain that has gone.
  [[nodiscard]] Result<void> remove_remnants();

  /// Reads Xen's page count, takes in what the agent wrote, and fails if anything ends the
  /// operation: `cancelled`, `deadline`, `superseded`, `domain_gone`, `guest_rebooted`,
  /// `domain_migrating`, or a failing host.
  [[nodiscard]] Result<void> look();
  /// Reads Xen's figures and xenstore's keys, whether or not an event told of them: what goes
  /// before a limit is set. Errors: `superseded`, those of `check_life`, and those of the host.
  [[nodiscard]] Result<void> measure();
  /// Whether the domain is being saved or migrated, which no event tells: `domain_migrating`. Looks
  /// through the processes of dom0.
  [[nodiscard]] Result<void> check_saving();
  /// The same, and nothing within `save_look_time` of the last look.
  [[nodiscard]] Result<void> check_saving_if_due();
  /// Waits until something may have happened, at most for `time`.
  [[nodiscard]] boost::asio::awaitable<void> wait(host::Duration time);

  enum class Effect { none, sets_limits };
  /// The answer of a call of libxl's. Errors: the call's own; `cancelled`, `deadline` or `stalled`
  /// where libxl doesn't answer, the call then being `unanswered` if it has an effect.
  template <class T>
  [[nodiscard]] host::Task<T> answer_of(host::Task<T> call, Effect effect = Effect::none);
  /// The call that this operation has stopped waiting for, and that may yet take effect.
  [[nodiscard]] PendingCall* unanswered() const { return unanswered_.get(); }

  // As the port's calls of that name, right after a `measure`: another may have had libxl's lock
  // until now, for just such a call. What they set is remembered as ours; where they fail, nobody
  // knows whether they did, until somebody looks.
  /// Raises static-max first where that is lower, and no further; while the earlier state comes
  /// back it sinks with the size, down to its earlier value.
  [[nodiscard]] host::Task<void> set_size(Kib size);
  [[nodiscard]] host::Task<void> set_limit(Kib limit);
  [[nodiscard]] Result<void> set_max_pages(Kib max);
  /// Whether static-max is known to be just this.
  [[nodiscard]] bool has_limit(Kib limit) const { return ours_.limit == limit; }
  /// Raises max_pages to its earlier value where this operation is known to have lowered it, and
  /// nobody else set it since: what another tool set the target to may lie above.
  [[nodiscard]] Result<void> lift_cap(Kib earlier);

  /// Asks the agent, where there is one, and looks. Errors: those of `look` first, since a domain
  /// that has ended doesn't answer; `domain_paused`, for the same reason; those of `Session::ask`.
  [[nodiscard]] host::Task<void> consult(RequestKind kind, std::uint32_t stage, Kib size);
  /// Keeps the agent serving: asks again before its lease ends and when it falls silent. Fails with
  /// `agent_absent` where it doesn't answer and no layer has moved since `moved_at`. Without an
  /// agent: a success.
  [[nodiscard]] Result<void> keep_agent(std::uint32_t stage, Kib size, host::TimePoint moved_at);

  /// Tells the agent that the operation is over. It restores the guest's policy by itself, later,
  /// where this doesn't reach it.
  void release_agent();

  /// The time allowed begins anew.
  void restart_deadline();
  /// Ends the operation at its next look; from the executor only.
  void cancel();
  /// From now on neither a cancel nor the deadline ends anything: the earlier state is coming back.
  /// So does the earlier static-max.
  void begin_restoring(Kib earlier_limit) { earlier_limit_ = earlier_limit; }

  [[nodiscard]] host::Port& port() { return port_; }
  [[nodiscard]] host::Hypervisor& xen() { return port_.hypervisor(); }
  [[nodiscard]] DomainId id() const { return domain_.id; }
  [[nodiscard]] const DomainIdentity& domain() const { return domain_; }
  [[nodiscard]] const ResizeOptions& options() const { return options_; }
  [[nodiscard]] std::uint64_t operation() const { return operation_; }
  [[nodiscard]] Progress& progress() { return progress_; }
  [[nodiscard]] const Progress& progress() const { return progress_; }
  /// The domain as last looked at, and the guest as it last said.
  [[nodiscard]] plan::Input& facts() { return facts_; }
  [[nodiscard]] const plan::Input& facts() const { return facts_; }
  /// How many stages had their target set: the guest may have populated from then on.
  [[nodiscard]] int stages_begun() const { return stages_begun_; }
  void count_stage() { ++stages_begun_; }
  [[nodiscard]] const std::optional<Error>& agent_error() const { return agent_error_; }
  /// Nothing: the operation goes without an agent.
  [[nodiscard]] guest::Session* session() { return facts_.guest ? &*session_ : nullptr; }

 private:
  /// What stands there by this operation's doing, or stood there when it began; nothing: what a
  /// call of ours made of it has not been seen yet.
  struct Ours {
    std::optional<Kib> target{};
    std::optional<Kib> limit{};
    std::optional<Kib> max_pages{};
  };
  [[nodiscard]] Result<void> check_wish() const;
  [[nodiscard]] Result<void> check_patience(host::TimePoint called) const;
  [[nodiscard]] host::TimePoint patient_until(host::TimePoint called) const;
  void take_in(const AgentReport& report);
  [[nodiscard]] Result<void> read_memory();
  [[nodiscard]] Result<void> check_nodes();
  [[nodiscard]] Result<void> check_domain();
  [[nodiscard]] Result<void> check_key(const std::string& key, const std::optional<Kib>& ours);
  [[nodiscard]] Result<void> check_keys();
  [[nodiscard]] Result<void> check_max_pages();

  host::Port& port_;
  DomainIdentity domain_;
  ResizeOptions options_;
  std::uint64_t operation_;
  host::Wakeup wakeup_;
  Progress progress_;
  std::optional<host::TimePoint> deadline_;
  int stages_begun_{0};
  bool cancelled_{false};
  std::optional<Kib> earlier_limit_{};  ///< There is one: the earlier state is coming back.

  plan::Input facts_;
  Ours ours_;
  host::TimePoint save_looked_at_{};
  host::TimePoint paused_at_{};      ///< when the domain was last seen paused
  Kib guest_used_{};                 ///< What the guest had for itself,
  host::TimePoint guest_used_at_{};  ///< and when: its demand is measured from there.
  std::shared_ptr<PendingCall> unanswered_{};
  std::optional<Error> agent_error_;
  std::optional<guest::Session> session_;
  std::unique_ptr<host::Watch> limits_watch_;
  std::unique_ptr<host::Watch> release_watch_;
};

template <class T>
host::Task<T> Context::answer_of(host::Task<T> call, Effect effect) {
  struct Waiting {
    ~Waiting() { pending->forget_caller(); }
    std::shared_ptr<PendingCall> pending;
  };
  const Waiting waiting{std::make_shared<PendingCall>(wakeup_)};
  const auto answer = std::make_shared<std::optional<Result<T>>>();
  PendingCall::start(co_await boost::asio::this_coro::executor, waiting.pending, std::move(call),
                     answer);
  const host::TimePoint called = port_.clock().now();
  while (!waiting.pending->ended()) {
    if (auto patience = check_patience(called); !patience) {
      if (effect == Effect::sets_limits) unanswered_ = waiting.pending;
      co_return patience.error();
    }
    co_await port_.clock().wait(wakeup_, patient_until(called));
  }
  if (waiting.pending->thrown()) std::rethrow_exception(waiting.pending->thrown());
  co_return std::move(**answer);
}

}  // namespace memctl::resize
