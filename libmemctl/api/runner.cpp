// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/runner.hpp"

#include <boost/asio/post.hpp>

#include "base/library_thread.hpp"
#include "base/signals_blocked.hpp"

namespace memctl {

Result<std::unique_ptr<HostThread>> HostThread::open(std::string_view uri) {
  const SignalsBlocked blocked;  // every thread that the connection starts inherits this
  std::unique_ptr<HostThread> host{new HostThread};
  BOOST_OUTCOME_TRY(host->connection_, host::connect(uri, host->context_));
  host->thread_ = library_thread("memctl-host", [raw = host.get()] { raw->connection_->run(); });
  return host;
}

HostThread::~HostThread() {
  if (!thread_.joinable()) return;
  boost::asio::post(context_, [this] { work_.reset(); });
  thread_.join();
}

}  // namespace memctl
