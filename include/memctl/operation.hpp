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

/// A resize under way. A cheap handle: copies share the operation. Thread-safe. The operation
/// continues if the last handle is dropped, and is cancelled if its host is closed.
class MEMCTL_EXPORT Operation {
 public:
  struct State;
  Operation(std::shared_ptr<HostState> host, std::shared_ptr<State> state);

  /// Blocks until the operation has ended. Returns the report of a verified resize, or the error,
  /// which carries the report. Must not be called from an event callback.
  [[nodiscard]] Result<Report> wait();
  /// Asks the operation to end with `cancelled`. `wait` tells how it ended. Does not block.
  void cancel();
  /// Calls `then` once when the operation has ended, or soon if it has ended already. `then` runs
  /// on the host's thread: it must neither block nor call into the host. Exceptions of `then` are
  /// ignored. Does not block.
  void on_end(std::function<void()> then);

  /// `wait` for Boost.Asio. Takes any completion token for `void(Result<Report>)`, and completes on
  /// the executor of the handler. In a coroutine: `auto report = co_await operation.async_wait();`.
  /// The context of that executor must outlive the operation. To end the context earlier, first
  /// cancel the operation and wait for it.
  template <class CompletionToken = const boost::asio::use_awaitable_t<>&>
  auto async_wait(CompletionToken&& token = boost::asio::use_awaitable) const {
    return boost::asio::async_initiate<CompletionToken, void(Result<Report>)>(
        [](auto handler, Operation operation) {
          // The handler's executor must not run out of work before the operation has ended.
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
