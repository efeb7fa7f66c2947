// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A program over the installed library with Boost.Asio of its own.
#include <memctl/asio.hpp>
#include <memctl/host.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <iostream>

namespace asio = boost::asio;
using namespace memctl::literals;

static asio::awaitable<void> grow(memctl::Domain domain) {
  const auto report = co_await async_wait(domain.resize(2_GiB));
  std::cout << report.value().domain.name << ": " << memctl::to_string(report.value().reached)
            << '\n';
}

int main() {
  const auto host = memctl::Host::open("sim:").value();
  asio::io_context context;
  asio::co_spawn(context, grow(host.domain("demo-pv").value()), asio::detached);
  context.run();
}
