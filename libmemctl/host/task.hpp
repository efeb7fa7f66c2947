// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "memctl/error.hpp"

namespace memctl::host {

/// A coroutine on a host's executor that ends in a `Result`.
template <class T>
using Task = boost::asio::awaitable<Result<T>>;

}  // namespace memctl::host
