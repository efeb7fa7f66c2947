// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <cerrno>

#include "host/sim/world.hpp"

namespace memctl::host::sim {
namespace {

constexpr Pages mib(std::int64_t n) { return Pages{n * 256}; }

class SimXen : public testing::Test {
 protected:
  /// A pv domain of 100 MiB that may have 300 MiB, on a host with 1000 MiB.
  explicit SimXen(int minor = 17)
      : xen{{.guests_memory = mib(1000), .other_memory = mib(24), .minor = minor}} {}
  XenDomain& add(DomainId id, DomainType type, Pages pool = {}) {
    EXPECT_EQ(xen.build(id, {.type = type, .memory = mib(100), .max = mib(300), .pool = pool}), 0);
    return *xen.find(id);
  }
  ~SimXen() override { EXPECT_TRUE(xen.consistent()); }
  XenModel xen;
  XenDomain& domain = add(DomainId{1}, DomainType::pv);
};

TEST_F(SimXen, PopulatesUpToMaxPagesWhateverTheTargetSays) {
  const auto result = xen.populate(domain, mib(500));
  EXPECT_EQ(result.done, mib(200));
  EXPECT_EQ(result.limit, XenModel::Limit::max_pages);
  EXPECT_EQ(domain.allocated, mib(300));
  EXPECT_EQ(xen.free(), mib(700));
}

TEST_F(SimXen, PopulatesWhatTheHostHas) {
  xen.take_from_host(mib(850));
  const auto result = xen.populate(domain, mib(100));
  EXPECT_EQ(result.done, mib(50));
  EXPECT_EQ(result.limit, XenModel::Limit::host);
}

TEST_F(SimXen, AMaximumBelowTheCurrentPagesOnlyBlocksNewOnes) {
  domain.max_pages = mib(50);
  EXPECT_EQ(xen.populate(domain, mib(1)).done, Pages{});
  EXPECT_EQ(domain.allocated, mib(100));
}

TEST_F(SimXen, AClaimMustExceedTheCurrentPagesAndStayWithinTheMaximum) {
  EXPECT_EQ(xen.claim(domain, mib(100)), EINVAL);
  EXPECT_EQ(xen.claim(domain, mib(300) + Pages{1}), EINVAL);
  EXPECT_EQ(xen.claim(domain, mib(300)), 0);
  EXPECT_EQ(xen.claimed(), mib(200));
  EXPECT_EQ(xen.free(), mib(900));
}

TEST_F(SimXen, ADomainHasOneClaimAndZeroReleasesIt) {
  EXPECT_EQ(xen.claim(domain, mib(200)), 0);
  EXPECT_EQ(xen.claim(domain, mib(300)), EINVAL);
  EXPECT_EQ(xen.claim(domain, Pages{}), 0);
  EXPECT_EQ(xen.claim(domain, Pages{}), 0);
  EXPECT_EQ(xen.claimed(), Pages{});
  EXPECT_EQ(xen.claim(domain, mib(300)), 0);
}

TEST_F(SimXen, AClaimOfWhatOthersHaveClaimedIsRefused) {
  XenDomain& other = add(DomainId{2}, DomainType::pv);
  other.max_pages = mib(1000);
  EXPECT_EQ(xen.claim(other, mib(750)), 0);
  EXPECT_EQ(xen.claim(domain, mib(300)), ENOMEM);
  EXPECT_EQ(xen.claim(domain, mib(250)), 0);
}

TEST_F(SimXen, OnlyItsHolderAllocatesFromAClaim) {
  XenDomain& other = add(DomainId{2}, DomainType::pv);
  ASSERT_EQ(xen.claim(domain, mib(300)), 0);
  xen.take_from_host(mib(1000));
  EXPECT_EQ(xen.free(), mib(200));
  EXPECT_EQ(xen.populate(other, mib(1)).limit, XenModel::Limit::host);
  EXPECT_EQ(xen.populate(domain, mib(200)).done, mib(200));
  EXPECT_EQ(domain.claim, Pages{});
}

TEST_F(SimXen, AllocationUsesTheClaimUpAndFreeingRefillsIt) {
  ASSERT_EQ(xen.claim(domain, mib(300)), 0);
  xen.populate(domain, mib(50));
  EXPECT_EQ(domain.claim, mib(150));
  xen.decrease(domain, mib(10));
  EXPECT_EQ(domain.claim, mib(160));
}

TEST_F(SimXen, AClaimEndsWithItsDomain) {
  ASSERT_EQ(xen.claim(domain, mib(300)), 0);
  xen.destroy(DomainId{1});
  EXPECT_EQ(xen.claimed(), Pages{});
  EXPECT_EQ(xen.free(), mib(1000));
}

class SimXen422 : public SimXen {
 protected:
  SimXen422() : SimXen{22} {}
};

TEST_F(SimXen422, FreedPagesDoNotRefillAClaim) {
  ASSERT_EQ(xen.claim(domain, mib(300)), 0);
  xen.populate(domain, mib(50));
  xen.decrease(domain, mib(10));
  EXPECT_EQ(domain.claim, mib(150));
}

TEST_F(SimXen422, AFailedOverAllocationBurnsTheClaim) {
  ASSERT_EQ(xen.claim(domain, mib(300)), 0);
  domain.max_pages = mib(100);
  for (int i = 0; i < 10; ++i) xen.populate(domain, mib(1));
  EXPECT_EQ(domain.claim, mib(200) - Pages{10});
}

TEST_F(SimXen, APoolPageCoversTwoMiB) {
  XenDomain& pvh = add(DomainId{2}, DomainType::pvh, Pages{40});  // 20 of them used at boot
  const auto result = xen.populate(pvh, mib(200));
  EXPECT_EQ(result.done, mib(40));
  EXPECT_EQ(result.limit, XenModel::Limit::pool);
  EXPECT_EQ(pvh.pool.free(), Pages{});
  EXPECT_EQ(pvh.allocated, mib(140) + Pages{1});  // Xen charged one page and could not map it
}

TEST_F(SimXen, ShrinkingBreaksSuperpagesAndRegrowingNeedsNoNewTables) {
  XenDomain& pvh = add(DomainId{2}, DomainType::pvh, Pages{40});
  EXPECT_EQ(xen.decrease(pvh, mib(10)), mib(10));
  EXPECT_EQ(pvh.pool.used(), Pages{25});
  EXPECT_EQ(xen.populate(pvh, mib(10)).done, mib(10));
  EXPECT_EQ(pvh.pool.used(), Pages{25});
}

TEST_F(SimXen, ADryPoolLetsAShrinkFail) {
  XenDomain& pvh = add(DomainId{2}, DomainType::pvh, Pages{40});
  xen.populate(pvh, mib(200));
  EXPECT_LT(xen.decrease(pvh, mib(10)), mib(10));
}

TEST_F(SimXen, LoweringAPoolBelowItsUseFreesItsFreePagesFirstAndThenFails) {
  XenDomain& pvh = add(DomainId{2}, DomainType::pvh, Pages{1000});
  xen.populate(pvh, mib(100));
  EXPECT_EQ(xen.set_pool(pvh, Pages{50}), ENOMEM);
  EXPECT_EQ(pvh.pool.total, Pages{70});
  EXPECT_EQ(pvh.pool.free(), Pages{});
}

TEST_F(SimXen, APoolIsNotServedFromAClaimAndKeepsWhatItGotWhenItFails) {
  XenDomain& pvh = add(DomainId{2}, DomainType::pvh, Pages{100});
  ASSERT_EQ(xen.claim(pvh, mib(300)), 0);
  xen.take_from_host(xen.free() - xen.claimed() - Pages{10});
  EXPECT_EQ(xen.set_pool(pvh, Pages{200}), ENOMEM);
  EXPECT_EQ(pvh.pool.total, Pages{110});
  EXPECT_EQ(pvh.claim, mib(200));
}

TEST_F(SimXen, APvDomainHasNoPool) { EXPECT_EQ(xen.set_pool(domain, Pages{1}), EOPNOTSUPP); }

TEST(LibxlPool, IsOnePagePerMiBAnd256PerVcpu) {
  EXPECT_EQ(libxl_pool(160_MiB, 1, true), 1664_KiB);
  EXPECT_EQ(libxl_pool(160_MiB, 2, true), 1664_KiB + 1024_KiB);
  EXPECT_EQ(libxl_pool(160_MiB, 1, false), 1664_KiB + 640_KiB);
}

class SimLibxl : public testing::Test {
 protected:
  World world{};
  DomainId id = world.add_guest(
      {.name = "hvm", .type = DomainType::hvm, .memory = 256_MiB, .video_ram = 16_MiB});
};

TEST_F(SimLibxl, TheBuildSetsTheMaximumToMemoryAndAMiB) {
  EXPECT_EQ(world.max_pages(id), 257_MiB);
  EXPECT_EQ(world.limit(id), 256_MiB);
  EXPECT_EQ(world.target(id), 240_MiB);
}

TEST_F(SimLibxl, MemMaxSetsBothLimits) {
  ASSERT_TRUE(world.mem_max(id, 512_MiB));
  EXPECT_EQ(world.limit(id), 512_MiB);
  EXPECT_EQ(world.max_pages(id), 513_MiB);
  EXPECT_EQ(world.target(id), 240_MiB);
}

TEST_F(SimLibxl, MemSetSetsTheTargetWithoutVideoRamAndTheMaximumWithIt) {
  ASSERT_TRUE(world.mem_max(id, 512_MiB));
  ASSERT_TRUE(world.mem_set(id, 300_MiB));
  EXPECT_EQ(world.target(id), 284_MiB);
  EXPECT_EQ(world.limit(id), 512_MiB);
  EXPECT_EQ(world.max_pages(id), 301_MiB);
  const std::string uuid = world.toolstack().find(id)->identity.uuid;
  EXPECT_EQ(world.store().read(dom0, "/vm/" + uuid + "/memory").value(), "284");
}

TEST_F(SimLibxl, MemMaxBelowTheTargetReturnsOne) {
  const auto result = world.mem_max(id, 200_MiB);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().raw, 1);
  EXPECT_FALSE(result.error().log.empty());
}

TEST_F(SimLibxl, ADomainWithoutStoredConfigurationIsRefused) {
  world.toolstack().find(id)->has_stored_configuration = false;
  EXPECT_FALSE(world.mem_max(id, 512_MiB));
  EXPECT_FALSE(world.mem_set(id, 200_MiB));
}

}  // namespace
}  // namespace memctl::host::sim
