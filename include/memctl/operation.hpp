// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <memory>
#include <utility>

#include "memctl/error.hpp"
#include "memctl/export.hpp"
#include "memctl/report.hpp"

namespace memctl {

class HostState;

/// A resize under way. A cheap handle: copies share the operation. Thread-safe. Dropping the last
/// handle does not end the operation; its host's end does.
class MEMCTL_EXPORT Operation {
 public:
  struct State;
  Operation(std::shared_ptr<HostState> host, std::shared_ptr<State> state);

  /// Blocks until the operation has ended. The report of a verified resize; otherwise the error,
  /// which carries the report. Not to be called from an event callback.
  [[nodiscard]] Result<Report> wait();
  /// Asks the operation to end with `cancelled`; `wait` tells how that went. Doesn't block.
  void cancel();
  /// Calls `then` once, when the operation has ended: on the host's thread, where it must neither
  /// block nor call back into the host, and soon where it has ended already. What it throws is
  /// ignored. Doesn't block.
  void on_end(std::function<void()> then);

  /// As `wait`, for Boost.Asio: with any completion token for `void(Result<Report>)`, on the
  /// executor of its handler. In a coroutine: `auto report = co_await operation.async_wait();`.
  /// That executor's context must outlive the operation: to leave it early, cancel and wait first.
  template <class CompletionToken = const boost::asio::use_awaitable_t<>&>
  auto async_wait(CompletionToken&& token = boost::asio::use_awaitable) const {
    return boost::asio::async_initiate<CompletionToken, void(Result<Report>)>(
        [](auto handler, Operation operation) {
          // Until it has ended, the handler's own executor has work to come.
          auto executor = boost::asio::prefer(boost::asio::get_associated_executor(handler),
                                              boost::asio::execution::outstanding_work.tracked);
          const auto shared = std::make_shared<decltype(handler)>(std::move(handler));
          Operation registered = operation;
          registered.on_end([executor, shared, operation]() mutable {
            boost::asio::post(executor, [shared, operation = std::move(operation)]() mutable {
              (*shared)(operation.wait());
            });
          });
        },
        token, *this);
  }

 private:
  std::shared_ptr<HostState> host_;
  std::shared_ptr<State> state_;
};

}  // namespace memctl
