// SPDX-License-Identifier: LGPL-2.1-or-later
//
// set_limit, set_size, set_max_memory: what each writes, and what it refuses.
#include "port_fixture.hpp"

namespace memctl::contract {
namespace {

class LimitsTest : public GuestTest {
 protected:
  [[nodiscard]] std::string vm_memory() { return stored("/vm/" + before().uuid + "/memory"); }
  void expect_limits_of(const DomainFacts& expected) {
    const DomainFacts now = facts();
    EXPECT_EQ(now.target, expected.target);
    EXPECT_EQ(now.static_max, expected.static_max);
    EXPECT_EQ(now.memory.max, expected.memory.max);
  }
};
MEMCTL_ON_EACH_GUEST(LimitsTest);

TEST_P(LimitsTest, SetLimitWritesStaticMaxAndMaxPages) {
  ASSERT_TRUE(succeeded(run(xen().set_limit(id(), limit() + 64_MiB))));
  DomainFacts expected = before();
  expected.static_max = limit() + 64_MiB;
  expected.memory.max = limit() + 65_MiB;
  expect_limits_of(expected);
  EXPECT_EQ(facts().boot_limit, before().boot_limit);
  EXPECT_EQ(stored(own("memory/static-max")), std::to_string((limit() + 64_MiB).count()));
}

TEST_P(LimitsTest, SetLimitTakesTheTargetAndRefusesLess) {
  const Kib target = before().target.value();
  ASSERT_TRUE(succeeded(run(xen().set_limit(id(), target))));
  EXPECT_EQ(facts().static_max, target);
  const DomainFacts lowest = facts();
  const auto refused = run(xen().set_limit(id(), target - 1_KiB));
  ASSERT_TRUE(failed_with(refused, Cause::hypervisor_error));
  EXPECT_EQ(refused.error().raw, 1);
  EXPECT_FALSE(refused.error().log.empty());
  expect_limits_of(lowest);
}

TEST_P(LimitsTest, SetSizeWithEnforceWritesTheTargetAndMaxPages) {
  const Kib larger = size() + 64_MiB;
  ASSERT_TRUE(succeeded(run(xen().set_limit(id(), larger + 64_MiB))));
  ASSERT_TRUE(succeeded(run(xen().set_size(id(), larger, true))));
  const DomainFacts now = facts();
  EXPECT_EQ(now.size(), larger);
  EXPECT_EQ(now.target, larger - before().video_ram);
  EXPECT_EQ(now.static_max, larger + 64_MiB);
  EXPECT_EQ(now.memory.max, larger + 1_MiB);
  EXPECT_EQ(now.boot_limit, before().boot_limit);
  EXPECT_EQ(vm_memory(), std::to_string((larger - before().video_ram) / 1_MiB));
}

TEST_P(LimitsTest, SetSizeWithoutEnforceLeavesMaxPages) {
  const Kib larger = size() + 64_MiB;
  ASSERT_TRUE(succeeded(run(xen().set_limit(id(), larger + 64_MiB))));
  ASSERT_TRUE(succeeded(run(xen().set_size(id(), larger, false))));
  EXPECT_EQ(facts().size(), larger);
  EXPECT_EQ(max(), larger + 65_MiB);
  EXPECT_EQ(vm_memory(), std::to_string((larger - before().video_ram) / 1_MiB));
}

TEST_P(LimitsTest, SetSizeTakesAnyKibibyte) {
  const Kib odd = size() + 1025_KiB;
  ASSERT_TRUE(succeeded(run(xen().set_limit(id(), odd))));
  EXPECT_EQ(facts().static_max, odd);
  ASSERT_TRUE(succeeded(run(xen().set_size(id(), odd, true))));
  EXPECT_EQ(facts().size(), odd);
  EXPECT_EQ(max(), round_down(odd + 1_MiB, kib_per_page));
}

TEST_P(LimitsTest, SetSizeRefusesATargetAboveStaticMax) {
  const auto refused = run(xen().set_size(id(), limit() + before().video_ram + 1_KiB, true));
  ASSERT_TRUE(failed_with(refused, Cause::hypervisor_error));
  EXPECT_EQ(refused.error().raw, -6);  // ERROR_INVAL
  EXPECT_FALSE(refused.error().log.empty());
  expect_limits_of(before());
}

// On pvh and hvm libxl tells Xen's populate-on-demand of each new target and 1 MiB.
TEST_P(LimitsTest, SetSizeWithoutEnforceHeedsMaxPagesExceptOnPv) {
  const Kib lowered = size() - 16_MiB;
  ASSERT_TRUE(succeeded(run(xen().set_size(id(), lowered, true))));
  EXPECT_TRUE(succeeded(run(xen().set_size(id(), lowered, false))));
  const auto above = run(xen().set_size(id(), lowered + 4_KiB, false));
  if (is_pv()) {
    EXPECT_TRUE(succeeded(above));
    EXPECT_EQ(facts().size(), lowered + 4_KiB);
  } else {
    ASSERT_TRUE(failed_with(above, Cause::hypervisor_error));
    EXPECT_EQ(above.error().raw, -3);  // ERROR_FAIL
    EXPECT_EQ(facts().size(), lowered);
  }
  EXPECT_EQ(max(), lowered + 1_MiB);
  EXPECT_TRUE(succeeded(run(xen().set_size(id(), size(), true))));
}

TEST_P(LimitsTest, SetMaxMemoryWritesMaxPagesAlone) {
  ASSERT_TRUE(succeeded(xen().set_max_memory(id(), before().memory.max + 64_MiB)));
  DomainFacts expected = before();
  expected.memory.max = before().memory.max + 64_MiB;
  expect_limits_of(expected);
}

TEST_P(LimitsTest, SetMaxMemoryRoundsDownToPages) {
  ASSERT_TRUE(succeeded(xen().set_max_memory(id(), before().memory.max + 7_KiB)));
  EXPECT_EQ(max(), before().memory.max + 4_KiB);
}

TEST_P(LimitsTest, SetMaxMemoryMayGoBelowWhatTheDomainHas) {
  ASSERT_TRUE(succeeded(xen().set_max_memory(id(), 16_MiB)));
  EXPECT_EQ(max(), 16_MiB);
  EXPECT_EQ(total(), before().memory.total);
}

TEST_P(LimitsTest, SetMaxMemoryMayGoPastTheHost) {
  ASSERT_TRUE(succeeded(xen().set_max_memory(id(), 1_TiB)));
  EXPECT_EQ(max(), 1_TiB);
}

TEST_P(LimitsTest, NothingIsNoSize) {
  for (const Kib none : {Kib{0}, Kib{-4}}) {
    EXPECT_TRUE(failed_with(run(xen().set_limit(id(), none)), Cause::invalid_size));
    EXPECT_TRUE(failed_with(run(xen().set_size(id(), none, true)), Cause::invalid_size));
    EXPECT_TRUE(failed_with(xen().set_max_memory(id(), none), Cause::invalid_size));
    EXPECT_TRUE(failed_with(xen().set_paging_pool(id(), none), Cause::invalid_size));
    EXPECT_TRUE(failed_with(xen().claim(id(), to_pages(none)), Cause::invalid_size));
  }
  expect_limits_of(before());
}

}  // namespace
}  // namespace memctl::contract
