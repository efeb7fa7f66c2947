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
  [[nodiscard]] Pages claim() { return xen().domain_memory(id()).value().claim; }
  /// Claims the domain's pages and 16 MiB more.
  Pages claim_some() {
    const Pages claimed = before().memory.allocated + to_pages(16_MiB);
    EXPECT_TRUE(succeeded(xen().claim(id(), claimed)));
    return claimed;
  }
};
MEMCTL_ON_EACH_GUEST(ClaimTest);

TEST_P(ClaimTest, IsCountedByTheDomainAndTheHost) {
  const HostFacts host = xen().host_facts().value();
  claim_some();
  EXPECT_EQ(claim(), to_pages(16_MiB));
  const HostFacts promised = xen().host_facts().value();
  EXPECT_EQ(promised.claimed - host.claimed, to_pages(16_MiB));
  EXPECT_EQ(promised.free, host.free) << "a claim takes nothing";
  EXPECT_EQ(host.available() - promised.available(), to_pages(16_MiB));
}

TEST_P(ClaimTest, GoesUpToMaxPages) {
  const Pages most = to_pages(max_pages());
  EXPECT_TRUE(succeeded(xen().claim(id(), most)));
  EXPECT_EQ(claim(), most - before().memory.allocated);
}

TEST_P(ClaimTest, AClaimAboveMaxPagesIsRefused) {
  const auto refused = xen().claim(id(), to_pages(max_pages()) + Pages{1});
  ASSERT_TRUE(failed_with(refused, Cause::hypervisor_error));
  EXPECT_EQ(refused.error().raw, EINVAL);
  EXPECT_EQ(claim(), Pages{});
}

TEST_P(ClaimTest, AClaimOfNoMoreThanTheDomainHasIsRefused) {
  for (const Pages none :
       {before().memory.allocated, before().memory.allocated - Pages{1}, Pages{1}}) {
    const auto refused = xen().claim(id(), none);
    ASSERT_TRUE(failed_with(refused, Cause::hypervisor_error)) << none.count();
    EXPECT_EQ(refused.error().raw, EINVAL);
  }
  EXPECT_TRUE(succeeded(xen().claim(id(), before().memory.allocated + Pages{1})));
  EXPECT_EQ(claim(), Pages{1});
}

TEST_P(ClaimTest, AClaimOfMoreThanTheHostHasIsRefused) {
  const Pages available = xen().host_facts().value().available();
  ASSERT_TRUE(succeeded(xen().set_max_pages(id(), 1_TiB)));
  const auto refused = xen().claim(id(), before().memory.allocated + available + Pages{1});
  ASSERT_TRUE(failed_with(refused, Cause::host_memory));
  EXPECT_EQ(refused.error().raw, ENOMEM);
  EXPECT_TRUE(failed_with(xen().claim(id(), to_pages(1_TiB)), Cause::host_memory));
  EXPECT_EQ(claim(), Pages{});
}

TEST_P(ClaimTest, AClaimOfAllThatTheHostHasIsGranted) {
  const Pages available = xen().host_facts().value().available();
  ASSERT_TRUE(succeeded(xen().set_max_pages(id(), 1_TiB)));
  EXPECT_TRUE(succeeded(xen().claim(id(), before().memory.allocated + available)));
  EXPECT_EQ(xen().host_facts().value().available(), Pages{});
}

TEST_P(ClaimTest, ADomainHasOneClaimAtMost) {
  const Pages claimed = claim_some();
  for (const Pages second : {claimed, claimed + Pages{1}, claimed - Pages{1}}) {
    const auto refused = xen().claim(id(), second);
    ASSERT_TRUE(failed_with(refused, Cause::hypervisor_error));
    EXPECT_EQ(refused.error().raw, EINVAL);
  }
  EXPECT_EQ(claim(), to_pages(16_MiB));
}

TEST_P(ClaimTest, CanBeReleasedTwice) {
  const HostFacts host = xen().host_facts().value();
  claim_some();
  EXPECT_TRUE(succeeded(xen().release_claim(id())));
  EXPECT_EQ(claim(), Pages{});
  EXPECT_EQ(xen().host_facts().value().claimed, host.claimed);
  EXPECT_TRUE(succeeded(xen().release_claim(id())));
  claim_some();
}

TEST_P(ClaimTest, FeedsNoPagingPool) {
  if (is_pv()) GTEST_SKIP() << "a pv domain has no pool";
  const Pages available = xen().host_facts().value().available();
  ASSERT_TRUE(succeeded(xen().set_max_pages(id(), 1_TiB)));
  ASSERT_TRUE(succeeded(xen().claim(id(), before().memory.allocated + available)));
  const Kib more = before().pool.value() + 1_MiB;
  EXPECT_TRUE(failed_with(xen().set_pool(id(), more), Cause::paging_pool));
  EXPECT_EQ(facts().pool, before().pool);
}

// Freed memory goes into the claim on Debian 12's Xen 4.17, and to the host on Debian 13's 4.20.
// memctl works with both.
TEST_P(ClaimTest, TakesBackWhatTheDomainFreesOrNotAndServesWhatItPopulates) {
  claim_some();
  tell_guest(size() - 8_MiB);
  EXPECT_TRUE(
      eventually([&] { return allocated() == before().memory.allocated - to_pages(8_MiB); }));
  EXPECT_THAT(claim(), testing::AnyOf(to_pages(24_MiB), to_pages(16_MiB)));
  const Pages left = claim() - to_pages(8_MiB);
  tell_guest(size());
  EXPECT_TRUE(eventually([&] { return allocated() == before().memory.allocated; }));
  EXPECT_EQ(claim(), left);
}

}  // namespace
}  // namespace memctl::contract
