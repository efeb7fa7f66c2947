// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gtest/gtest.h>

#include <cstdint>

#include "base/facts.hpp"
#include "fake_guest.hpp"

namespace memctl::test {

/// A guest made of files, and the requests of operation 7 to its agent. The tests of the agent's
/// core and of its program use it.
class AgentFixture : public testing::Test {
 protected:
  static AgentRequest request(RequestKind kind, std::uint64_t sequence,
                              std::uint64_t operation = 7) {
    return {.operation = operation,
            .sequence = sequence,
            .kind = kind,
            .target = 1_GiB,
            .lease_seconds = 30};
  }

  TemporaryDirectory directory_;
  FakeGuest guest_{directory_.path() / "root"};
};

}  // namespace memctl::test
