// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/asio/this_coro.hpp>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "host/clock.hpp"
#include "host/task.hpp"
#include "memctl/domain_info.hpp"
#include "resize/pending_call.hpp"
#include "resize/wish.hpp"

namespace memctl::resize {

/// How long to wait: for something to happen, and for libxl, which another tool's lock can hold up
/// for any time. A resize waits while its caller wishes it. An inquiry, and whatever restores an
/// earlier state, has no wish that could end: only libxl's silence ends its waiting, and a bound if
/// it has one. Belongs to the host's executor.
class Patience {
 public:
  /// `wish`: nothing ends it if there is none. All but `stall` must outlive this.
  Patience(host::Clock& clock, host::Wakeup& wakeup, const DomainIdentity& domain,
           host::Duration stall, const Wish* wish = nullptr);

  /// The same patience, which ends at `end`: from then on `require_wish` returns `stalled` with
  /// `message`.
  [[nodiscard]] Patience until(host::TimePoint end, std::string message) const;

  /// Errors: `cancelled`, `deadline`; `stalled` after the end of a bounded patience.
  [[nodiscard]] Result<void> require_wish() const;
  /// Waits until something may have happened, at most for `time`.
  [[nodiscard]] boost::asio::awaitable<void> wait(host::Duration time) const;

  /// What a call of libxl's returns. Errors: the call's own; `cancelled`, `deadline` or `stalled`
  /// if libxl does not answer. The call then goes on, and `unanswered`, if given, is set to it.
  template <class T>
  [[nodiscard]] host::Task<T> answer_of(host::Task<T> call,
                                        std::shared_ptr<PendingCall>* unanswered = nullptr) const;

 private:
  [[nodiscard]] Result<void> require_answer(host::TimePoint called) const;
  [[nodiscard]] host::TimePoint waits_until(host::TimePoint called) const;
  /// `until`, or earlier if the wish or the patience ends before.
  [[nodiscard]] host::TimePoint before_the_end(host::TimePoint until) const;

  host::Clock* clock_;
  host::Wakeup* wakeup_;
  const DomainIdentity* domain_;
  host::Duration stall_;
  const Wish* wish_;
  struct End {
    host::TimePoint at;
    std::string message;
  };
  std::optional<End> end_{};
};

template <class T>
host::Task<T> Patience::answer_of(host::Task<T> call,
                                  std::shared_ptr<PendingCall>* unanswered) const {
  struct Waiting {
    ~Waiting() { pending->forget_caller(); }
    std::shared_ptr<PendingCall> pending;
  };
  const Waiting waiting{std::make_shared<PendingCall>(*wakeup_)};
  const auto answer = std::make_shared<std::optional<Result<T>>>();
  PendingCall::start(co_await boost::asio::this_coro::executor, waiting.pending, std::move(call),
                     answer);
  const host::TimePoint called = clock_->now();
  while (!waiting.pending->ended()) {
    if (auto answering = require_answer(called); !answering) {
      if (unanswered != nullptr) *unanswered = waiting.pending;
      co_return answering.error();
    }
    co_await clock_->wait(*wakeup_, waits_until(called));
  }
  if (waiting.pending->thrown()) std::rethrow_exception(waiting.pending->thrown());
  co_return std::move(**answer);
}

}  // namespace memctl::resize
