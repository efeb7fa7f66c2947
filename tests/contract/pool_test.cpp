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

TEST_P(PagingPoolTest, AFrozenOneIsReplacedInTheStoredConfigurationAlone) {
  if (is_pv()) GTEST_SKIP() << "a pv domain has no pool";
  EXPECT_EQ(run(xen().set_frozen_pool(id(), std::nullopt, 4_MiB)).value(), 4_MiB);
  EXPECT_EQ(run(xen().set_frozen_pool(id(), 4_MiB, 8_MiB)).value(), 8_MiB);
  const DomainFacts now = facts();
  EXPECT_EQ(now.frozen_pool, 8_MiB);
  EXPECT_EQ(now.pool, before().pool);
  EXPECT_EQ(now.limit, before().limit);
  EXPECT_EQ(now.target, before().target);
  EXPECT_EQ(now.memory.max_pages, before().memory.max_pages);
  EXPECT_EQ(now.boot_limit, before().boot_limit);
  EXPECT_EQ(now.emulated_dma_devices, before().emulated_dma_devices);
  EXPECT_EQ(now.passthrough_devices, before().passthrough_devices);
  EXPECT_EQ(run(xen().set_frozen_pool(id(), 8_MiB, std::nullopt)).value(), std::nullopt);
  EXPECT_EQ(facts().frozen_pool, std::nullopt);
  // libxl reads what was stored, and goes on.
  EXPECT_TRUE(succeeded(run(xen().set_limit(id(), limit() + 64_MiB))));
}

TEST_P(PagingPoolTest, AFrozenOneThatIsAnotherThanExpectedStaysAndIsTold) {
  if (is_pv()) GTEST_SKIP() << "a pv domain has no pool";
  EXPECT_EQ(run(xen().set_frozen_pool(id(), 4_MiB, 8_MiB)).value(), std::nullopt);
  EXPECT_EQ(facts().frozen_pool, std::nullopt);
  ASSERT_TRUE(succeeded(run(xen().set_frozen_pool(id(), std::nullopt, 4_MiB))));
  for (const std::optional<Kib> wrong : {std::optional<Kib>{}, std::optional{2_MiB}}) {
    EXPECT_EQ(run(xen().set_frozen_pool(id(), wrong, 8_MiB)).value(), 4_MiB);
    EXPECT_EQ(facts().frozen_pool, 4_MiB);
  }
}

TEST_P(PagingPoolTest, APvDomainCanHaveNoFrozenOne) {
  if (!is_pv()) GTEST_SKIP() << "it can";
  EXPECT_TRUE(
      failed_with(run(xen().set_frozen_pool(id(), std::nullopt, 4_MiB)), Cause::xen_unsupported));
  EXPECT_EQ(facts().frozen_pool, std::nullopt);
}

}  // namespace
}  // namespace memctl::contract
