// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/xen/clock.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace memctl::host::xen {
namespace {

/// Lets the wakeup cancel the timer during the wait only. A coroutine can be destroyed while it
/// waits, and then the wakeup must not reach its timer any more.
struct RouseDuringWait {
  RouseDuringWait(Wakeup& sleeper, boost::asio::steady_timer& timer) : wakeup{sleeper} {
    wakeup.on_notify([&timer] { timer.cancel(); });
  }
  ~RouseDuringWait() { wakeup.on_notify({}); }
  RouseDuringWait(const RouseDuringWait&) = delete;
  RouseDuringWait& operator=(const RouseDuringWait&) = delete;
  Wakeup& wakeup;
};

}  // namespace

boost::asio::awaitable<void> SteadyClock::wait(Wakeup& wakeup, TimePoint until) {
  if (wakeup.take()) co_return;
  boost::asio::steady_timer timer{executor_, until};
  {
    const RouseDuringWait rouse{wakeup, timer};
    // Nothing else runs on the executor between `take` above and the start of this wait, so no
    // notification is lost.
    boost::system::error_code ignored;
    co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
  }
  (void)wakeup.take();
}

}  // namespace memctl::host::xen
