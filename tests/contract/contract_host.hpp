// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <vector>

#include "host/factory.hpp"
#include "memctl/domain_info.hpp"

namespace memctl::contract {

/// A guest that the tests may resize: without an agent, with blocks that stay offline, and with
/// memory for 32 MiB less than it has.
struct TestGuest {
  DomainType type{};
  std::string name{};
};

/// What the tests run on.
struct TestHost {
  /// "sim:" is a new simulated world for each test; anything else as `host::connect` takes it.
  std::string uri{"sim:"};
  /// One of a type at most.
  std::vector<TestGuest> guests{{.type = DomainType::pv, .name = "pv"},
                                {.type = DomainType::pvh, .name = "pvh"},
                                {.type = DomainType::hvm, .name = "hvm"}};
};

/// Chosen by `main` before GoogleTest makes its list of tests.
[[nodiscard]] TestHost& test_host();

[[nodiscard]] Result<std::unique_ptr<host::Connection>> connect(boost::asio::io_context& context);

}  // namespace memctl::contract
