// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/runner.hpp"

#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>
#include <string>
#include <system_error>

#include "base/library_thread.hpp"
#include "base/signals_blocked.hpp"

namespace memctl {
namespace {

/// `system_error` is that of the standard library or of Boost.
template <class SystemError>
Error exhausted(const SystemError& error) {
  return {.cause = Cause::not_permitted,
          .message = std::string{"no thread or file descriptor for the host: "} + error.what(),
          .hint = "raise the limits of threads and open files of this process",
          .raw = error.code().value()};
}

}  // namespace

Result<std::unique_ptr<HostThread>> HostThread::open(std::string_view uri) try {
  const SignalsBlocked blocked;  // every thread that the connection starts inherits this
  std::unique_ptr<HostThread> host{new HostThread};
  BOOST_OUTCOME_TRY(host->connection_, host::connect(uri, host->context_));
  host->thread_ = library_thread("memctl-host", [raw = host.get()] { raw->connection_->run(); });
  return host;
} catch (const std::system_error& error) {  // a thread
  return exhausted(error);
} catch (const boost::system::system_error& error) {  // a file descriptor of Asio's
  return exhausted(error);
}

HostThread::~HostThread() {
  if (!thread_.joinable()) return;
  boost::asio::post(context_, [this] { work_.reset(); });
  thread_.join();
}

}  // namespace memctl
