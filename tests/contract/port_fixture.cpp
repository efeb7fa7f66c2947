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
  // A limit may be lowered only once the target is; the target be raised only once the limit is.
  EXPECT_TRUE(succeeded(run(xen().set_limit(id(), std::max(limit(), facts().size().value())))));
  EXPECT_TRUE(succeeded(run(xen().set_size(id(), size(), true))));
  EXPECT_TRUE(succeeded(run(xen().set_limit(id(), limit()))));
  EXPECT_TRUE(succeeded(xen().set_max_memory(id(), before_.memory.max)));
  if (before_.paging_pool && facts().paging_pool != before_.paging_pool) {
    EXPECT_TRUE(succeeded(xen().set_paging_pool(id(), *before_.paging_pool)));
  }
  EXPECT_TRUE(eventually([&] { return total() == before_.memory.total; }))
      << total().count() << " pages instead of " << before_.memory.total.count();

  const DomainFacts after = facts();
  EXPECT_EQ(after.memory.max, before_.memory.max);
  EXPECT_EQ(after.memory.outstanding, Pages{});
  EXPECT_EQ(after.target, before_.target);
  EXPECT_EQ(after.static_max, before_.static_max);
  EXPECT_EQ(after.paging_pool, before_.paging_pool);
  EXPECT_EQ(after.boot_limit, before_.boot_limit);
  EXPECT_EQ(after.frozen_pool, before_.frozen_pool);
  EXPECT_EQ(after.memory.shutdown, ShutdownReason::none);
}

}  // namespace memctl::contract
