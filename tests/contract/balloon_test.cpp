// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How a Linux guest without an agent follows its target, as the host sees it.
#include "port_fixture.hpp"

namespace memctl::contract {
namespace {

class BalloonTest : public GuestTest {
 protected:
  testing::AssertionResult reaches(Pages pages) {
    if (eventually([&] { return allocated() == pages; })) return testing::AssertionSuccess();
    return testing::AssertionFailure()
           << "it has " << allocated().count() << " pages instead of " << pages.count();
  }
  testing::AssertionResult stays_at(Pages pages) {
    if (!eventually([&] { return allocated() != pages; }, 3s)) return testing::AssertionSuccess();
    return testing::AssertionFailure()
           << "it has " << allocated().count() << " pages instead of " << pages.count();
  }
};
MEMCTL_ON_EACH_GUEST(BalloonTest);

TEST_P(BalloonTest, ReachesALowerTargetToThePageAndTheEarlierOneAgain) {
  const Pages has = before().memory.allocated;
  const Pages free = xen().host_facts().value().free;
  tell_guest(size() - 8_MiB);
  EXPECT_TRUE(reaches(has - to_pages(8_MiB)));
  EXPECT_TRUE(stays_at(has - to_pages(8_MiB)));
  EXPECT_EQ(xen().host_facts().value().free, free + to_pages(8_MiB));
  tell_guest(size());
  EXPECT_TRUE(reaches(has));
  EXPECT_TRUE(stays_at(has));
  EXPECT_EQ(xen().host_facts().value().free, free);
}

TEST_P(BalloonTest, MovesByAsLittleAsAPage) {
  const Pages has = before().memory.allocated;
  tell_guest(size() - 4_KiB);
  EXPECT_TRUE(reaches(has - Pages{1}));
  tell_guest(size() - 5_KiB);
  EXPECT_TRUE(reaches(has - Pages{2})) << "the target is rounded down to pages";
}

TEST_P(BalloonTest, PopulatesNothingPastItsMemoryWhileBlocksAreOffline) {
  const Pages has = before().memory.allocated;
  ASSERT_TRUE(succeeded(run(xen().set_limit(id(), limit() + 64_MiB))));
  tell_guest(size() + 64_MiB);
  EXPECT_TRUE(stays_at(has));
  tell_guest(size() + 32_MiB);
  EXPECT_TRUE(stays_at(has));
}

TEST_P(BalloonTest, StillShrinksAndRegrowsAfterATargetThatItCouldNotReach) {
  const Pages has = before().memory.allocated;
  ASSERT_TRUE(succeeded(run(xen().set_limit(id(), limit() + 64_MiB))));
  tell_guest(size() + 64_MiB);
  EXPECT_TRUE(stays_at(has));
  tell_guest(size() - 8_MiB);
  EXPECT_TRUE(reaches(has - to_pages(8_MiB)));
  tell_guest(size() + 64_MiB);
  EXPECT_TRUE(reaches(has)) << "what it gave back it takes again";
  EXPECT_TRUE(stays_at(has));
}

TEST_P(BalloonTest, PopulatesUpToMaxPagesAndNoFurther) {
  const Pages has = before().memory.allocated;
  const Pages cap = has - to_pages(4_MiB);
  tell_guest(size() - 8_MiB);
  ASSERT_TRUE(reaches(has - to_pages(8_MiB)));
  ASSERT_TRUE(succeeded(xen().set_max_pages(id(), to_kib(cap))));
  tell_guest(size());
  EXPECT_TRUE(reaches(cap));
  EXPECT_TRUE(stays_at(cap));
  ASSERT_TRUE(succeeded(xen().set_max_pages(id(), before().memory.max_pages)));
  tell_guest(size() - 1_MiB);  // another target wakes a balloon that has given up
  EXPECT_TRUE(reaches(has - to_pages(1_MiB)));
}

TEST_P(BalloonTest, GivesUpAfterAFewRefusalsUntilTheTargetIsAnother) {
  const Pages has = before().memory.allocated;
  const Pages cap = has - to_pages(8_MiB);
  tell_guest(size() - 8_MiB);
  ASSERT_TRUE(reaches(cap));
  ASSERT_TRUE(succeeded(xen().set_max_pages(id(), to_kib(cap))));
  tell_guest(size());
  pass(20s);  // the balloon retries after 1, 2, 4 and 8 s
  ASSERT_TRUE(succeeded(xen().set_max_pages(id(), before().memory.max_pages)));
  tell_guest(size());
  EXPECT_TRUE(stays_at(cap)) << "the same target rouses it";
  tell_guest(size() - 4_KiB);
  EXPECT_TRUE(reaches(has - Pages{1}));
}

}  // namespace
}  // namespace memctl::contract
