// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How often an operation looks at its guest while it waits.

#include "operation_fixture.hpp"
#include "support/faults.hpp"

namespace memctl::resize {
namespace {

using namespace std::chrono_literals;
using host::sim::GuestSpec;

class LooksOfAnOperation : public OperationOnSim {
 protected:
  /// Calls of this name in the time from `from` to `to` after the start.
  std::ptrdiff_t calls(const std::string& name, host::Duration from, host::Duration to) const {
    std::ptrdiff_t found = 0;
    for (std::size_t each = 0; each < plan_.calls().size(); ++each) {
      const auto at = plan_.times()[each] - begun_;
      found += plan_.calls()[each] == name && at >= from && at < to ? 1 : 0;
    }
    return found;
  }

  Result<Report> resize_and_count(DomainId id, Kib size, ResizeOptions options) {
    begun_ = simulation.now();
    ResizeOperation operation{port_, identity(id), size, std::move(options)};
    return simulation.run(operation.run());
  }

 private:
  test::FaultPlan plan_{};
  test::FaultyPort port_{simulation.port(), simulation.world, plan_};
  host::TimePoint begun_{};
};

INSTANTIATE_TEST_SUITE_P(Types, LooksOfAnOperation,
                         testing::Values(DomainType::pv, DomainType::pvh, DomainType::hvm));

TEST_P(LooksOfAnOperation, at_a_guest_that_stands_still_are_ten_a_second_and_one_hypercall_each) {
  GuestSpec spec;
  spec.linux.online_fails = true;
  const DomainId id = add(spec);
  const auto report = resize_and_count(id, 512_MiB, {.stall = 60s});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::guest_offline_blocks);
  EXPECT_LE(calls("domain_memory", 5s, 55s), 500);
  for (const char* other : {"host_facts", "domain_facts", "set_size", "uuid", "claim"}) {
    EXPECT_EQ(calls(other, 5s, 55s), 0) << other;
  }
}

}  // namespace
}  // namespace memctl::resize
