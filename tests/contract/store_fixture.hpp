// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>

#include "port_fixture.hpp"

namespace memctl::contract {

/// A test with its own directory in xenstore, which does not exist before and after the test.
class StoreFixture : public PortTest {
 protected:
  void SetUp() override { store().remove(node()).value(); }
  void TearDown() override { EXPECT_TRUE(succeeded(store().remove(node()))); }

  [[nodiscard]] static std::string node() { return "/tool/memctl-contract"; }
  /// Whether this host has oxenstored, which differs from xenstored in what the tests name.
  [[nodiscard]] bool is_oxenstored() {
    return xen().host_settings().value().store == StoreProgram::oxenstored;
  }
  [[nodiscard]] std::optional<std::string> read(const std::string& path) {
    return store().read(path).value();
  }
  void write(const std::string& path, const std::string& value) {
    ASSERT_TRUE(succeeded(store().write(path, value)));
  }
};

}  // namespace memctl::contract
