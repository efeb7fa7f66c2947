// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Resizes several guests at once in a loop of Boost.Asio. Each has so many seconds.
//
//     grow_many_with_asio xen: 60 4g web1 web2 web3
#include <memctl/asio.hpp>
#include <memctl/host.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <iostream>

namespace asio = boost::asio;
using namespace asio::experimental::awaitable_operators;

namespace {

void tell(const memctl::Error& error) {
  std::cerr << error.message << '\n';
  if (!error.advice().empty()) std::cerr << error.advice() << '\n';
}

// Whether the guest got the size in time.
asio::awaitable<bool> grow(memctl::Domain domain, memctl::SizeRequest size,
                           std::chrono::seconds time) {
  const memctl::Operation operation = domain.resize(size);
  asio::steady_timer timer{co_await asio::this_coro::executor, time};
  // If the timer is due first, the resize is cancelled. The line ends when the guest is restored.
  co_await (memctl::async_wait(operation) || timer.async_wait(asio::use_awaitable));
  const auto ended = operation.wait();  // does not block, because it has ended
  if (!ended) {
    tell(ended.error());
    co_return false;
  }
  std::cout << domain.identity().name << " has " << memctl::to_string(ended.value().reached)
            << '\n';
  co_return true;
}

}  // namespace

int main(int count, char** arguments) {
  const int seconds = count < 5 ? 0 : std::atoi(arguments[2]);
  if (seconds < 1) {
    std::cerr << "usage: " << arguments[0] << " HOST SECONDS SIZE DOMAIN...\n";
    return 2;
  }
  const auto size = memctl::parse_size(arguments[3]);
  if (!size) {
    tell(size.error());
    return 2;
  }
  asio::io_context context;  // outlives the resizes, because `run` returns when they have ended
  const auto host = memctl::Host::open(arguments[1]);
  if (!host) {
    tell(host.error());
    return 1;
  }
  int status = 0;
  for (int each = 4; each < count; ++each) {
    const auto domain = host.value().domain(arguments[each]);  // blocks for some milliseconds
    if (!domain) {
      tell(domain.error());
      status = 1;
      continue;
    }
    asio::co_spawn(context, grow(domain.value(), size.value(), std::chrono::seconds{seconds}),
                   [&](const std::exception_ptr& thrown, bool grown) {
                     if (thrown || !grown) status = 1;
                   });
  }
  context.run();
  return status;
}
