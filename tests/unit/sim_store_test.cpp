// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "host/sim/sim_store.hpp"

namespace memctl::host::sim {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr DomainId guest{5};

class SimStoreTest : public testing::Test {
 protected:
  SimStoreTest() {
    model->introduce(guest);
    store.write("/local/domain/5", "").value();
    permit("/local/domain/5", {{.domain = dom0}, {.domain = guest, .read = true}});
    store.write("/local/domain/5/data", "").value();
    permit("/local/domain/5/data", {{.domain = guest}});
  }
  void permit(const std::string& path, const std::vector<Permission>& permissions) {
    store.set_permissions(path, permissions).value();
  }
  std::shared_ptr<StoreModel> model = std::make_shared<StoreModel>();
  SimStore store{model};
};

TEST_F(SimStoreTest, ReadsWhatWasWrittenAndMakesTheNodesAbove) {
  EXPECT_EQ(store.read("/a/b/c").value(), std::nullopt);
  ASSERT_TRUE(store.write("/a/b/c", std::string_view{"x\0y", 3}));
  EXPECT_EQ(store.read("/a/b/c").value(), (std::string{"x\0y", 3}));
  EXPECT_EQ(store.read("/a/b").value(), "");
  EXPECT_THAT(store.list("/a").value(), ElementsAre("b"));
  EXPECT_THAT(store.list("/nothing").value(), IsEmpty());
}

TEST_F(SimStoreTest, RemovesAllBelowAndNothingBeside) {
  for (const char* path : {"/a/b", "/a/b/c", "/a/b-c", "/a/b/d/e", "/a/bb"}) {
    ASSERT_TRUE(store.write(path, "v"));
  }
  ASSERT_TRUE(store.remove("/a/b"));
  EXPECT_THAT(store.list("/a").value(), ElementsAre("b-c", "bb"));
  EXPECT_EQ(store.read("/a/b/d/e").value(), std::nullopt);
  EXPECT_TRUE(store.remove("/a/b"));
}

TEST_F(SimStoreTest, RefusesPathsThatAreNone) {
  for (const char* path : {"", "a", "/a/", "/a//b", "a/b"}) {
    EXPECT_EQ(store.write(path, "").error().raw, EINVAL) << path;
  }
}

TEST_F(SimStoreTest, RefusesWhatIsLargerThanAMessage) {
  EXPECT_TRUE(store.write("/a", std::string(4000, 'x')));
  EXPECT_EQ(store.write("/a", std::string(4096, 'x')).error().raw, E2BIG);
}

TEST_F(SimStoreTest, AGuestWritesItsDataAndReadsTheRest) {
  EXPECT_TRUE(model->write(guest, "/local/domain/5/data/memctl/hello", "x"));
  EXPECT_EQ(store.read("/local/domain/5/data/memctl/hello").value(), "x");
  ASSERT_TRUE(store.write("/local/domain/5/memory/target", "1024"));
  EXPECT_EQ(model->read(guest, "/local/domain/5/memory/target").value(), "1024");
  EXPECT_EQ(model->write(guest, "/local/domain/5/memory/target", "9").error().cause,
            Cause::not_permitted);
  ASSERT_TRUE(store.write("/libxl/5/memctl", "secret"));
  EXPECT_EQ(model->read(guest, "/libxl/5/memctl").error().cause, Cause::not_permitted);
  EXPECT_FALSE(model->set_permissions(guest, "/local/domain/5/memory/target",
                                      std::vector<Permission>{{.domain = guest}}));
}

TEST_F(SimStoreTest, AGuestsNodeHolds2000BytesAndNot2020) {
  EXPECT_TRUE(model->write(guest, "/local/domain/5/data/x", std::string(2000, 'x')));
  EXPECT_EQ(model->write(guest, "/local/domain/5/data/x", std::string(2020, 'x')).error().raw,
            ENOSPC);
  EXPECT_TRUE(store.write("/local/domain/5/data/x", std::string(3000, 'x')));
}

TEST_F(SimStoreTest, AGuestOwnsAThousandNodesAtMost) {
  int made = 0;
  while (made < 2000 && model->write(guest,
                                     "/local/domain/5/data/n" + std::to_string(made / 100) + "/" +
                                         std::to_string(made),
                                     "")) {
    ++made;
  }
  EXPECT_GT(made, 900);
  EXPECT_LT(made, 1000);
  ASSERT_TRUE(model->remove(guest, "/local/domain/5/data/n1"));
  EXPECT_TRUE(model->write(guest, "/local/domain/5/data/again", ""));
}

TEST_F(SimStoreTest, ANodeCannotBeOwnedByADomainThatIsNot) {
  ASSERT_TRUE(store.write("/a", ""));
  EXPECT_FALSE(store.set_permissions("/a", std::vector<Permission>{{.domain = DomainId{9}}}));
  EXPECT_FALSE(store.set_permissions("/b", std::vector<Permission>{{.domain = dom0}}));
}

TEST_F(SimStoreTest, AWatchSaysSoAtFirstAndThenAtEachChangeBelow) {
  Wakeup wakeup;
  const auto watch = store.watch("/a", wakeup).value();
  EXPECT_TRUE(wakeup.take());
  EXPECT_TRUE(watch->take());
  EXPECT_FALSE(watch->take());
  ASSERT_TRUE(store.write("/b", ""));
  ASSERT_TRUE(store.write("/ab", ""));
  EXPECT_FALSE(wakeup.take());
  ASSERT_TRUE(store.write("/a/b/c", ""));
  ASSERT_TRUE(store.write("/a/b/c", ""));
  EXPECT_TRUE(wakeup.take());
  EXPECT_TRUE(watch->take());
  EXPECT_FALSE(watch->take());
}

TEST_F(SimStoreTest, AWatchFiresWhenTheNodeGoesWithOneAbove) {
  Wakeup wakeup;
  ASSERT_TRUE(store.write("/a/b/c", ""));
  const auto watch = store.watch("/a/b/c", wakeup).value();
  static_cast<void>(watch->take());
  ASSERT_TRUE(store.remove("/a"));
  EXPECT_TRUE(watch->take());
}

TEST_F(SimStoreTest, AWatchEndsWithItsObjectAndTellsOfDomainsThatGo) {
  Wakeup wakeup;
  auto watch = store.watch("@releaseDomain", wakeup).value();
  static_cast<void>(watch->take());
  model->release(guest);
  EXPECT_TRUE(watch->take());
  watch.reset();
  static_cast<void>(wakeup.take());
  model->release(guest);
  EXPECT_FALSE(wakeup.take());
}

TEST_F(SimStoreTest, ATransactionSeesItsOwnChangesAndOthersSeeThemTogether) {
  ASSERT_TRUE(store.write("/a/old", "1"));
  const auto result = store.transact([&](StoreView& view) -> Result<void> {
    BOOST_OUTCOME_TRY(view.write("/a/new", "2"));
    BOOST_OUTCOME_TRY(view.remove("/a/old"));
    EXPECT_EQ(view.read("/a/new").value(), "2");
    EXPECT_EQ(view.read("/a/old").value(), std::nullopt);
    EXPECT_THAT(view.list("/a").value(), ElementsAre("new"));
    EXPECT_EQ(store.read("/a/new").value(), std::nullopt);
    return view.set_permissions("/a/new", std::vector<Permission>{{.domain = dom0}});
  });
  ASSERT_TRUE(result);
  EXPECT_THAT(store.list("/a").value(), ElementsAre("new"));
}

TEST_F(SimStoreTest, ATransactionRunsAgainWhereAnotherWroteWhatItRead) {
  int interferences = 3;
  int runs = 0;
  model->before_commit = [&] {
    if (interferences-- > 0) store.write("/a", "theirs").value();
  };
  const auto result = store.transact([&](StoreView& view) -> Result<void> {
    ++runs;
    BOOST_OUTCOME_TRY(view.read("/a"));
    return view.write("/b", "mine");
  });
  EXPECT_TRUE(result);
  EXPECT_EQ(runs, 4);
}

TEST_F(SimStoreTest, ATransactionIsNotDisturbedByWhatItDidNotRead) {
  int runs = 0;
  ASSERT_TRUE(store.write("/b", ""));
  model->before_commit = [&] { store.write("/other", "").value(); };
  EXPECT_TRUE(store.transact([&](StoreView& view) {
    ++runs;
    return view.write("/b", "mine");
  }));
  EXPECT_EQ(runs, 1);
}

TEST_F(SimStoreTest, ATransactionGivesUpAfter16Attempts) {
  int runs = 0;
  model->before_commit = [&] { store.write("/a", "theirs").value(); };
  const auto result = store.transact([&](StoreView& view) -> Result<void> {
    ++runs;
    BOOST_OUTCOME_TRY(view.read("/a"));
    return view.write("/b", "mine");
  });
  EXPECT_EQ(result.error().cause, Cause::store_error);
  EXPECT_EQ(runs, 16);
  EXPECT_EQ(store.read("/b").value(), std::nullopt);
}

TEST_F(SimStoreTest, AnErrorInATransactionLeavesNothing) {
  const auto result = store.transact([&](StoreView& view) -> Result<void> {
    BOOST_OUTCOME_TRY(view.write("/b", "mine"));
    return Error{.cause = Cause::busy, .message = "no"};
  });
  EXPECT_EQ(result.error().cause, Cause::busy);
  EXPECT_EQ(store.read("/b").value(), std::nullopt);
}

TEST_F(SimStoreTest, ABrokenStoreFailsEachCallOfDom0) {
  model->break_down(Error{.cause = Cause::store_error, .message = "xenstored is gone"});
  Wakeup wakeup;
  EXPECT_FALSE(store.read("/a"));
  EXPECT_FALSE(store.watch("/a", wakeup));
  model->break_down(std::nullopt);
  EXPECT_TRUE(store.read("/a"));
}

}  // namespace
}  // namespace memctl::host::sim
