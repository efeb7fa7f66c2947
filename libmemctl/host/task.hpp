// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <utility>

#include "memctl/error.hpp"

namespace memctl::host {

/// A coroutine on a host's executor that ends in a `Result`.
template <class T>
using Task = boost::asio::awaitable<Result<T>>;

/// Why it failed. Null: it did not.
template <class T>
[[nodiscard]] std::unique_ptr<Error> failure_of(Result<T>&& result) {
  return result ? nullptr : std::make_unique<Error>(std::move(result).error());
}

/// BOOST_OUTCOME_CO_TRY for steps without a value. g++ gives every local variable of a coroutine a
/// place of its own in the coroutine's frame, which lives as long as the operation waits. This
/// takes a pointer for each step there, and not a whole `Result`.
#define MEMCTL_CO_TRY(...)                                                                    \
  if (const auto memctl_failure = ::memctl::host::failure_of(__VA_ARGS__); !memctl_failure) { \
  } else                                                                                      \
    co_return std::move(*memctl_failure)

}  // namespace memctl::host
