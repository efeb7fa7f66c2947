// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include "host/clock.hpp"

namespace memctl::host::xen {

/// The monotonic clock.
class SteadyClock final : public Clock {
 public:
  explicit SteadyClock(boost::asio::any_io_executor executor) : executor_{std::move(executor)} {}

  [[nodiscard]] TimePoint now() const override { return std::chrono::steady_clock::now(); }
  [[nodiscard]] boost::asio::awaitable<void> wait(Wakeup& wakeup, TimePoint until) override;

 private:
  boost::asio::any_io_executor executor_;
};

}  // namespace memctl::host::xen
