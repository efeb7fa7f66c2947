// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What set_limit, set_size and set_max_pages write and refuse.
#include "port_fixture.hpp"

namespace memctl::contract {
namespace {

class LimitsTest : public GuestTest {
 protected:
  [[nodiscard]] std::string vm_memory() {
    return stored("/vm/" + before().identity.uuid + "/memory");
  }
  void expect_limits_of(const DomainFacts& expected) {
    const DomainFacts now = facts();
    EXPECT_EQ(now.target, expected.target);
    EXPECT_EQ(now.limit, expected.limit);
    EXPECT_EQ(now.memory.max_pages, expected.memory.max_pages);
  }
};
MEMCTL_ON_EACH_GUEST(LimitsTest);

TEST_P(LimitsTest, SetLimitWritesStaticMaxAndMaxPages) {
  ASSERT_TRUE(succeeded(run(xen().set_limit(id(), limit() + 64_MiB))));
  DomainFacts expected = before();
  expected.limit = limit() + 64_MiB;
  expected.memory.max_pages = limit() + 65_MiB;
  expect_limits_of(expected);
  EXPECT_EQ(facts().boot_limit, before().boot_limit);
  EXPECT_EQ(stored(own("memory/static-max")), std::to_string((limit() + 64_MiB).count()));
}

TEST_P(LimitsTest, SetLimitTakesTheTargetAndRefusesLess) {
  const Kib target = before().target.value();
  ASSERT_TRUE(succeeded(run(xen().set_limit(id(), target))));
  EXPECT_EQ(facts().limit, target);
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
  ASSERT_TRUE(succeeded(run(xen().set_size(id(), larger))));
  const DomainFacts now = facts();
  EXPECT_EQ(now.size(), larger);
  EXPECT_EQ(now.target, larger - before().video_ram);
  EXPECT_EQ(now.limit, larger + 64_MiB);
  EXPECT_EQ(now.memory.max_pages, larger + 1_MiB);
  EXPECT_EQ(now.boot_limit, before().boot_limit);
  EXPECT_EQ(vm_memory(), std::to_string((larger - before().video_ram) / 1_MiB));
}

TEST_P(LimitsTest, SetSizeTakesAnyKibibyte) {
  const Kib odd = size() + 1025_KiB;
  ASSERT_TRUE(succeeded(run(xen().set_limit(id(), odd))));
  EXPECT_EQ(facts().limit, odd);
  ASSERT_TRUE(succeeded(run(xen().set_size(id(), odd))));
  EXPECT_EQ(facts().size(), odd);
  EXPECT_EQ(max_pages(), round_down(odd + 1_MiB, kib_per_page));
}

TEST_P(LimitsTest, SetSizeRefusesATargetAboveStaticMax) {
  const auto refused = run(xen().set_size(id(), limit() + before().video_ram + 1_KiB));
  ASSERT_TRUE(failed_with(refused, Cause::hypervisor_error));
  EXPECT_EQ(refused.error().raw, -6);  // ERROR_INVAL
  EXPECT_FALSE(refused.error().log.empty());
  expect_limits_of(before());
}

TEST_P(LimitsTest, SetMaxPagesWritesMaxPagesAlone) {
  ASSERT_TRUE(succeeded(xen().set_max_pages(id(), before().memory.max_pages + 64_MiB)));
  DomainFacts expected = before();
  expected.memory.max_pages = before().memory.max_pages + 64_MiB;
  expect_limits_of(expected);
}

TEST_P(LimitsTest, SetMaxPagesRoundsDownToPages) {
  ASSERT_TRUE(succeeded(xen().set_max_pages(id(), before().memory.max_pages + 7_KiB)));
  EXPECT_EQ(max_pages(), before().memory.max_pages + 4_KiB);
}

TEST_P(LimitsTest, SetMaxPagesMayGoBelowWhatTheDomainHas) {
  ASSERT_TRUE(succeeded(xen().set_max_pages(id(), 16_MiB)));
  EXPECT_EQ(max_pages(), 16_MiB);
  EXPECT_EQ(allocated(), before().memory.allocated);
}

TEST_P(LimitsTest, SetMaxPagesMayGoPastTheHost) {
  ASSERT_TRUE(succeeded(xen().set_max_pages(id(), 1_TiB)));
  EXPECT_EQ(max_pages(), 1_TiB);
}

TEST_P(LimitsTest, ZeroAndNegativeSizesAreRefused) {
  for (const Kib none : {Kib{0}, Kib{-4}}) {
    EXPECT_TRUE(failed_with(run(xen().set_limit(id(), none)), Cause::invalid_size));
    EXPECT_TRUE(failed_with(run(xen().set_size(id(), none)), Cause::invalid_size));
    EXPECT_TRUE(failed_with(xen().set_max_pages(id(), none), Cause::invalid_size));
    EXPECT_TRUE(failed_with(xen().set_pool(id(), none), Cause::invalid_size));
    EXPECT_TRUE(failed_with(run(xen().set_frozen_pool(id(), {}, none)), Cause::invalid_size));
    EXPECT_TRUE(failed_with(xen().claim(id(), to_pages(none)), Cause::invalid_size));
  }
  expect_limits_of(before());
}

}  // namespace
}  // namespace memctl::contract
