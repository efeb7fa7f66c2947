// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The paging pool: the memory for the page tables of a pvh or hvm domain.
#include "port_fixture.hpp"

namespace memctl::contract {
namespace {

class PagingPoolTest : public GuestTest {
 protected:
  [[nodiscard]] Pages free() { return xen().host_facts().value().free; }
};
MEMCTL_ON_EACH_GUEST(PagingPoolTest);

TEST_P(PagingPoolTest, IsRaisedFromTheHostsMemoryAndLoweredAgain) {
  if (is_pv()) GTEST_SKIP() << "a pv domain has no pool";
  const Kib pool = before().pool.value();
  const Pages host = free();
  ASSERT_TRUE(succeeded(xen().set_pool(id(), pool + 1_MiB)));
  EXPECT_EQ(facts().pool, pool + 1_MiB);
  EXPECT_EQ(host - free(), to_pages(1_MiB));
  EXPECT_EQ(allocated(), before().memory.allocated) << "the pool is no memory of the domain's";
  ASSERT_TRUE(succeeded(xen().set_pool(id(), pool)));
  EXPECT_EQ(facts().pool, pool);
  EXPECT_EQ(free(), host);
}

TEST_P(PagingPoolTest, HasWholePages) {
  if (is_pv()) GTEST_SKIP() << "a pv domain has no pool";
  const Kib pool = before().pool.value();
  ASSERT_TRUE(succeeded(xen().set_pool(id(), pool + 1_KiB)));
  EXPECT_EQ(facts().pool, pool + 4_KiB);
}

TEST_P(PagingPoolTest, APoolOfMoreThanTheHostHasIsRefusedAndNothingChanges) {
  if (is_pv()) GTEST_SKIP() << "a pv domain has no pool";
  const Pages host = free();
  const auto refused = xen().set_pool(id(), 1_TiB);
  ASSERT_TRUE(failed_with(refused, Cause::paging_pool));
  EXPECT_EQ(refused.error().raw, ENOMEM);
  EXPECT_EQ(facts().pool, before().pool);
  EXPECT_EQ(free(), host);
}

TEST_P(PagingPoolTest, APoolSmallerThanItsUseIsRefusedAndNothingChanges) {
  if (is_pv()) GTEST_SKIP() << "a pv domain has no pool";
  const Pages host = free();
  const auto refused = xen().set_pool(id(), 4_KiB);
  ASSERT_TRUE(failed_with(refused, Cause::paging_pool));
  EXPECT_EQ(refused.error().raw, ENOMEM);
  EXPECT_EQ(facts().pool, before().pool);
  EXPECT_EQ(free(), host);
}

TEST_P(PagingPoolTest, APvDomainHasNoPool) {
  if (!is_pv()) GTEST_SKIP() << "it has one";
  EXPECT_TRUE(failed_with(xen().set_pool(id(), 16_MiB), Cause::xen_unsupported));
}

}  // namespace
}  // namespace memctl::contract
