// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include "host/clock.hpp"
#include "host/task.hpp"
#include "resize/journal.hpp"

namespace memctl::resize {

/// A call of libxl's that was begun. It waits for libxl's lock of the domain as long as another
/// tool has that lock, and nothing interrupts it: a caller can stop waiting, and the call goes on.
/// Until the call has ended it can hold the operation's record, because it may still set a limit.
/// Belongs to the host's executor.
class PendingCall {
 public:
  explicit PendingCall(host::Wakeup& caller) : caller_{&caller} {}

  /// Makes the call, and notifies the caller when it has ended.
  template <class T>
  static void start(const boost::asio::any_io_executor& executor,
                    std::shared_ptr<PendingCall> pending, host::Task<T> call,
                    std::shared_ptr<std::optional<Result<T>>> answer) {
    boost::asio::co_spawn(
        executor,
        [call = std::move(call), answer = std::move(answer)]() mutable
        -> boost::asio::awaitable<void> { answer->emplace(co_await std::move(call)); },
        [pending = std::move(pending)](std::exception_ptr thrown) {
          pending->end(std::move(thrown));
        });
  }

  [[nodiscard]] bool ended() const { return ended_; }
  /// What the call threw.
  [[nodiscard]] const std::exception_ptr& thrown() const { return thrown_; }
  /// The caller is notified no more.
  void forget_caller() { caller_ = nullptr; }
  /// Holds the record until the call has ended, and then disowns it.
  void keep(std::shared_ptr<Journal> journal) {
    if (!ended_) journal_ = std::move(journal);
  }

 private:
  void end(std::exception_ptr thrown) {
    ended_ = true;
    thrown_ = std::move(thrown);
    journal_.reset();
    if (caller_ != nullptr) caller_->notify();
  }

  host::Wakeup* caller_;
  bool ended_{false};
  std::exception_ptr thrown_{};
  std::shared_ptr<Journal> journal_{};
};

}  // namespace memctl::resize
