// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string_view>
#include <thread>

#include "host/factory.hpp"

namespace memctl {

/// Runs the coroutines of one host.
class Runner {
 public:
  virtual ~Runner() = default;
  [[nodiscard]] virtual boost::asio::io_context& context() = 0;
  /// The port belongs to the context: only coroutines on the context use it.
  [[nodiscard]] virtual host::Port& port() = 0;
  /// A thread calls it before it blocks until `ended()`. Runs the coroutines until `ended()` is
  /// true. Returns at once if another thread runs the coroutines.
  virtual void run_until(const std::function<bool()>& ended) = 0;
};

/// The runner of every embedding program: a thread of its own.
class HostThread final : public Runner {
 public:
  /// Errors: those of `host::connect`.
  [[nodiscard]] static Result<std::unique_ptr<HostThread>> open(std::string_view uri);
  HostThread(const HostThread&) = delete;
  HostThread& operator=(const HostThread&) = delete;
  /// Waits until the context has no more work. The runner's own thread must not call it.
  ~HostThread() override;

  [[nodiscard]] boost::asio::io_context& context() override { return context_; }
  [[nodiscard]] host::Port& port() override { return connection_->port(); }
  void run_until(const std::function<bool()>& /*ended*/) override {}

 private:
  HostThread() = default;

  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
      context_.get_executor()};
  std::unique_ptr<host::Connection> connection_;
  std::thread thread_;
};

}  // namespace memctl
