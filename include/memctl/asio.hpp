// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Awaits operations and answers with Boost.Asio. Only programs that want Boost.Asio include it.
#pragma once

#include <atomic>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "memctl/error.hpp"
#include "memctl/operation.hpp"
#include "memctl/pending.hpp"
#include "memctl/report.hpp"

namespace memctl {
namespace detail {

/// A completion handler that is called once, on its executor. Until then the executor does not run
/// out of work. Its cancellation slot belongs to the executor too.
template <class Handler>
class Completion {
 public:
  explicit Completion(Handler handler)
      : handler_{std::move(handler)},
        executor_{boost::asio::get_associated_executor(*handler_)},
        work_{boost::asio::prefer(executor_, boost::asio::execution::outstanding_work.tracked)} {}

  [[nodiscard]] auto slot() const {
    return boost::asio::get_associated_cancellation_slot(*handler_);
  }

  /// Calls the handler with what `result()` returns. Does nothing if that was asked for before.
  template <class MakeResult>
  static void complete(std::shared_ptr<Completion> completion, MakeResult result) {
    if (completion->begun_.exchange(true)) return;
    const auto executor = completion->executor_;
    boost::asio::post(executor,
                      [completion = std::move(completion), result = std::move(result)]() mutable {
                        // The work ends with this function, on the executor's own thread.
                        const auto work = std::exchange(completion->work_, std::nullopt);
                        auto slot = completion->slot();
                        if (slot.is_connected()) slot.clear();
                        Handler handler = *std::exchange(completion->handler_, std::nullopt);
                        completion.reset();
                        std::move(handler)(result());
                      });
  }

 private:
  using Executor = boost::asio::associated_executor_t<Handler>;
  using Work = std::decay_t<decltype(boost::asio::prefer(
      std::declval<Executor>(), boost::asio::execution::outstanding_work.tracked))>;
  std::atomic<bool> begun_{false};
  std::optional<Handler> handler_;
  Executor executor_;
  std::optional<Work> work_;
};

}  // namespace detail

/// `Operation::wait` for Boost.Asio. Takes any completion token for `void(Result<Report>)`, and
/// completes on the handler's executor, as if by `post`. In a coroutine:
/// `auto report = co_await async_wait(operation);`. Thread-safe, does not block.
///
/// A cancellation of any type cancels the operation, whoever else awaits it. The wait still
/// completes only when the operation has ended, with its report: so
/// `co_await (async_wait(operation) || timer.async_wait(use_awaitable))` returns once everything is
/// restored. As always in Boost.Asio, the cancellation has to be emitted on the handler's executor.
///
/// The context of that executor must outlive the operation. To end the context earlier, first
/// cancel the operation and wait for it.
template <class CompletionToken = const boost::asio::use_awaitable_t<>&>
auto async_wait(Operation operation, CompletionToken&& token = boost::asio::use_awaitable) {
  return boost::asio::async_initiate<CompletionToken, void(Result<Report>)>(
      [](auto handler, const Operation& awaited) {
        using Completion = detail::Completion<decltype(handler)>;
        auto completion = std::make_shared<Completion>(std::move(handler));
        if (auto slot = completion->slot(); slot.is_connected()) {
          slot.assign([awaited](boost::asio::cancellation_type) { awaited.cancel(); });
        }
        awaited.on_end([completion = std::move(completion), awaited]() mutable {
          Completion::complete(std::move(completion), [awaited] { return awaited.wait(); });
        });
      },
      token, std::move(operation));
}

/// `Pending::wait` for Boost.Asio, with any completion token for `void(Result<T>)`. Like
/// `async_wait` of an operation, except that a question cannot be taken back: a cancellation of any
/// type completes the wait at once with `cancelled`, and the host still finishes what was asked.
template <class T, class CompletionToken = const boost::asio::use_awaitable_t<>&>
auto async_wait(Pending<T> pending, CompletionToken&& token = boost::asio::use_awaitable) {
  return boost::asio::async_initiate<CompletionToken, void(Result<T>)>(
      [](auto handler, const Pending<T>& awaited) {
        using Completion = detail::Completion<decltype(handler)>;
        auto completion = std::make_shared<Completion>(std::move(handler));
        if (auto slot = completion->slot(); slot.is_connected()) {
          slot.assign([weak = std::weak_ptr{completion}](boost::asio::cancellation_type) {
            if (auto waiting = weak.lock()) {
              Completion::complete(std::move(waiting), []() -> Result<T> {
                return Error{.cause = Cause::cancelled, .message = "the wait was cancelled"};
              });
            }
          });
        }
        awaited.on_end([completion = std::move(completion), awaited]() mutable {
          Completion::complete(std::move(completion), [awaited] { return awaited.wait(); });
        });
      },
      token, std::move(pending));
}

}  // namespace memctl
