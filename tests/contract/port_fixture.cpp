// SPDX-License-Identifier: LGPL-2.1-or-later
#include "port_fixture.hpp"

#include <algorithm>
#include <stdexcept>

namespace memctl::contract {

void GuestTest::SetUp() {
  const auto guests = run(xen().domains()).value();
  const auto found = std::ranges::find(guests, GetParam().name, &DomainIdentity::name);
  if (found == guests.end()) throw std::runtime_error{"no guest is called " + GetParam().name};
  before_ = run(xen().domain_facts(found->id)).value();
}

void GuestTest::TearDown() {
  if (before_.identity.name.empty()) return;
  EXPECT_TRUE(succeeded(xen().release_claim(id())));
  // The limit can be lowered only after the target, and the target raised only after the limit.
  EXPECT_TRUE(succeeded(run(xen().set_limit(id(), std::max(limit(), facts().size().value())))));
  EXPECT_TRUE(succeeded(run(xen().set_size(id(), size()))));
  EXPECT_TRUE(succeeded(run(xen().set_limit(id(), limit()))));
  EXPECT_TRUE(succeeded(xen().set_max_pages(id(), before_.memory.max_pages)));
  if (before_.pool && facts().pool != before_.pool) {
    EXPECT_TRUE(succeeded(xen().set_pool(id(), *before_.pool)));
  }
  if (facts().frozen_pool != before_.frozen_pool) {
    EXPECT_TRUE(
        succeeded(run(xen().set_frozen_pool(id(), facts().frozen_pool, before_.frozen_pool))));
  }
  EXPECT_TRUE(eventually([&] { return allocated() == before_.memory.allocated; }))
      << allocated().count() << " pages instead of " << before_.memory.allocated.count();

  const DomainFacts after = facts();
  EXPECT_EQ(after.memory.max_pages, before_.memory.max_pages);
  EXPECT_EQ(after.memory.claim, Pages{});
  EXPECT_EQ(after.target, before_.target);
  EXPECT_EQ(after.limit, before_.limit);
  EXPECT_EQ(after.pool, before_.pool);
  EXPECT_EQ(after.boot_limit, before_.boot_limit);
  EXPECT_EQ(after.frozen_pool, before_.frozen_pool);
  EXPECT_EQ(after.memory.shutdown, ShutdownReason::none);
}

}  // namespace memctl::contract
