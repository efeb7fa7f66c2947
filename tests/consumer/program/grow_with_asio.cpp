// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A program over the installed library with Boost.Asio of its own.
//
//     grow_with_asio HOST DOMAIN SIZE
#include <memctl/asio.hpp>
#include <memctl/host.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <iostream>

namespace asio = boost::asio;

static asio::awaitable<void> grow(memctl::Domain domain, memctl::SizeRequest size) {
  const auto report = co_await async_wait(domain.resize(size));
  std::cout << report.value().domain.name << ": " << memctl::to_string(report.value().reached)
            << '\n';
}

int main(int count, char** arguments) {
  if (count != 4) return 2;
  const auto host = memctl::Host::open(arguments[1]).value();
  const auto size = memctl::parse_size(arguments[3]).value();
  asio::io_context context;
  asio::co_spawn(context, grow(host.domain(arguments[2]).value(), size), asio::detached);
  context.run();
}
