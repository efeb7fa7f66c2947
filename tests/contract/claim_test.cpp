// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Host memory that is promised to a domain.
#include "port_fixture.hpp"

namespace memctl::contract {
namespace {

class ClaimTest : public GuestTest {
 protected:
  void SetUp() override {
    GuestTest::SetUp();
    run(xen().set_limit(id(), limit() + 64_MiB)).value();
  }
  [[nodiscard]] Pages outstanding() { return xen().domain_memory(id()).value().outstanding; }
  /// Claims the domain's pages and 16 MiB more.
  Pages claim_some() {
    const Pages claimed = before().memory.total + to_pages(16_MiB);
    EXPECT_TRUE(succeeded(xen().claim(id(), claimed)));
    return claimed;
  }
};
MEMCTL_ON_EACH_GUEST(ClaimTest);

TEST_P(ClaimTest, IsCountedByTheDomainAndTheHost) {
  const HostFacts host = xen().host_facts().value();
  claim_some();
  EXPECT_EQ(outstanding(), to_pages(16_MiB));
  const HostFacts promised = xen().host_facts().value();
  EXPECT_EQ(promised.outstanding - host.outstanding, to_pages(16_MiB));
  EXPECT_EQ(promised.free, host.free) << "a claim takes nothing";
  EXPECT_EQ(host.available() - promised.available(), to_pages(16_MiB));
}

TEST_P(ClaimTest, GoesUpToMaxPages) {
  const Pages most = to_pages(max());
  EXPECT_TRUE(succeeded(xen().claim(id(), most)));
  EXPECT_EQ(outstanding(), most - before().memory.total);
}

TEST_P(ClaimTest, AboveMaxPagesIsRefused) {
  const auto refused = xen().claim(id(), to_pages(max()) + Pages{1});
  ASSERT_TRUE(failed_with(refused, Cause::hypervisor_error));
  EXPECT_EQ(refused.error().raw, EINVAL);
  EXPECT_EQ(outstanding(), Pages{});
}

TEST_P(ClaimTest, OfWhatTheDomainHasIsRefused) {
  for (const Pages none : {before().memory.total, before().memory.total - Pages{1}, Pages{1}}) {
    const auto refused = xen().claim(id(), none);
    ASSERT_TRUE(failed_with(refused, Cause::hypervisor_error)) << none.count();
    EXPECT_EQ(refused.error().raw, EINVAL);
  }
  EXPECT_TRUE(succeeded(xen().claim(id(), before().memory.total + Pages{1})));
  EXPECT_EQ(outstanding(), Pages{1});
}

TEST_P(ClaimTest, OfMoreThanTheHostHasIsRefused) {
  const Pages available = xen().host_facts().value().available();
  ASSERT_TRUE(succeeded(xen().set_max_memory(id(), 1_TiB)));
  const auto refused = xen().claim(id(), before().memory.total + available + Pages{1});
  ASSERT_TRUE(failed_with(refused, Cause::host_memory));
  EXPECT_EQ(refused.error().raw, ENOMEM);
  EXPECT_TRUE(failed_with(xen().claim(id(), to_pages(1_TiB)), Cause::host_memory));
  EXPECT_EQ(outstanding(), Pages{});
}

TEST_P(ClaimTest, OfAllThatTheHostHasIsMade) {
  const Pages available = xen().host_facts().value().available();
  ASSERT_TRUE(succeeded(xen().set_max_memory(id(), 1_TiB)));
  EXPECT_TRUE(succeeded(xen().claim(id(), before().memory.total + available)));
  EXPECT_EQ(xen().host_facts().value().available(), Pages{});
}

TEST_P(ClaimTest, IsOneOfADomain) {
  const Pages claimed = claim_some();
  for (const Pages second : {claimed, claimed + Pages{1}, claimed - Pages{1}}) {
    const auto refused = xen().claim(id(), second);
    ASSERT_TRUE(failed_with(refused, Cause::hypervisor_error));
    EXPECT_EQ(refused.error().raw, EINVAL);
  }
  EXPECT_EQ(outstanding(), to_pages(16_MiB));
}

TEST_P(ClaimTest, IsReleasedAndMayBeTwice) {
  const HostFacts host = xen().host_facts().value();
  claim_some();
  EXPECT_TRUE(succeeded(xen().release_claim(id())));
  EXPECT_EQ(outstanding(), Pages{});
  EXPECT_EQ(xen().host_facts().value().outstanding, host.outstanding);
  EXPECT_TRUE(succeeded(xen().release_claim(id())));
  claim_some();
}

TEST_P(ClaimTest, FeedsNoPagingPool) {
  if (is_pv()) GTEST_SKIP() << "a pv domain has no pool";
  const Pages available = xen().host_facts().value().available();
  ASSERT_TRUE(succeeded(xen().set_max_memory(id(), 1_TiB)));
  ASSERT_TRUE(succeeded(xen().claim(id(), before().memory.total + available)));
  const Kib more = before().paging_pool.value() + 1_MiB;
  EXPECT_TRUE(failed_with(xen().set_paging_pool(id(), more), Cause::paging_pool));
  EXPECT_EQ(facts().paging_pool, before().paging_pool);
}

// From Xen 4.22 on, what is freed goes back to the host and not into the claim.
TEST_P(ClaimTest, TakesBackWhatTheDomainFreesAndServesWhatItPopulates) {
  const Pages claimed = claim_some();
  ASSERT_TRUE(succeeded(run(xen().set_size(id(), size() - 8_MiB, false))));
  EXPECT_TRUE(eventually([&] { return total() == before().memory.total - to_pages(8_MiB); }));
  EXPECT_EQ(outstanding(), to_pages(24_MiB));
  ASSERT_TRUE(succeeded(run(xen().set_size(id(), size(), false))));
  EXPECT_TRUE(eventually([&] { return total() == before().memory.total; }));
  EXPECT_EQ(outstanding(), claimed - before().memory.total);
}

}  // namespace
}  // namespace memctl::contract
