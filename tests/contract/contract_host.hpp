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

/// The host on which the tests run.
struct TestHost {
  /// "sim:" makes a new simulated world for each test; `host::connect` takes any other value.
  std::string uri{"sim:"};
  /// At most one guest of each type.
  std::vector<TestGuest> guests{{.type = DomainType::pv, .name = "pv"},
                                {.type = DomainType::pvh, .name = "pvh"},
                                {.type = DomainType::hvm, .name = "hvm"}};
};

/// Chosen by `main` before GoogleTest makes its list of tests.
[[nodiscard]] TestHost& test_host();

[[nodiscard]] Result<std::unique_ptr<host::Connection>> connect(boost::asio::io_context& context);

}  // namespace memctl::contract
