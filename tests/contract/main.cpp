// SPDX-License-Identifier: LGPL-2.1-or-later
//
// memctl-contract-test: tests the contract of the host's port on the named host.
//
//   memctl-contract-test [--host URI] [--guest TYPE:NAME]... [GoogleTest's options]
//
// Without arguments it makes a simulated host. On a real host ("--host xen:", as root in dom0) it
// resizes the named guests and restores their limits. Exit 1: a test failed; 2: wrong arguments.
#include <gtest/gtest.h>

#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "contract_host.hpp"

namespace {

using memctl::DomainType;
using memctl::contract::test_host;
using memctl::contract::TestGuest;

std::optional<TestGuest> parse_guest(std::string_view text) {
  for (const auto type : {DomainType::pv, DomainType::pvh, DomainType::hvm}) {
    const std::string prefix = std::string{name(type)} + ":";
    if (text.starts_with(prefix) && text.size() > prefix.size()) {
      return TestGuest{.type = type, .name = std::string{text.substr(prefix.size())}};
    }
  }
  return std::nullopt;
}

/// Takes this program's own options out; GoogleTest gets the others. False: an option is wrong.
bool take_options(std::vector<char*>& arguments) {
  std::vector<TestGuest> guests;
  std::vector<char*> others{arguments.front()};
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const std::string_view option = arguments[i];
    if (option != "--host" && option != "--guest") {
      others.push_back(arguments[i]);
      continue;
    }
    if (++i == arguments.size()) return false;
    if (option == "--host") {
      test_host().uri = arguments[i];
    } else {
      auto guest = parse_guest(arguments[i]);
      if (!guest) return false;
      guests.push_back(std::move(*guest));
    }
  }
  const bool has_own_guests = test_host().uri == "sim:";
  if (!guests.empty() || !has_own_guests) test_host().guests = std::move(guests);
  arguments = std::move(others);
  return true;
}

}  // namespace

int main(int count, char** words) {
  // This comes first, because GoogleTest lists the tests of each guest when it is initialized.
  std::vector<char*> arguments{words, words + count};
  const bool right = take_options(arguments);
  count = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  testing::InitGoogleTest(&count, arguments.data());
  if (!right || count != 1) {
    std::fputs("usage: memctl-contract-test [--host URI] [--guest pv|pvh|hvm:NAME]...\n", stderr);
    return 2;
  }
  return RUN_ALL_TESTS();
}
