// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Watches, which tell of changes in xenstore.
#include "store_fixture.hpp"

namespace memctl::contract {
namespace {

using host::Watch;

class WatchTest : public StoreFixture {
 protected:
  std::unique_ptr<Watch> watch(const std::string& path) {
    auto made = store().watch(path, wakeup_).value();
    EXPECT_TRUE(wakeup_.pending()) << "a new watch notifies";
    EXPECT_TRUE(made->take());
    // xenstored's own first event may still be on its way.
    pass(200ms);
    static_cast<void>(made->take());
    static_cast<void>(wakeup_.take());
    return made;
  }
  /// Whether the watch tells of a change and ends a wait.
  [[nodiscard]] bool tells(Watch& watched) {
    wait(wakeup_, 10s);
    return watched.take();
  }
  [[nodiscard]] bool is_silent(Watch& watched) {
    static_cast<void>(wakeup_.take());
    return wait(wakeup_, 300ms) >= 300ms && !watched.take();
  }
  [[nodiscard]] host::Wakeup& wakeup() { return wakeup_; }

 private:
  host::Wakeup wakeup_{};
};

TEST_F(WatchTest, FiresOnceWhenItIsMade) {
  const auto watched = store().watch(node(), wakeup()).value();
  EXPECT_TRUE(wakeup().take());
  EXPECT_TRUE(watched->take());
  EXPECT_FALSE(watched->take());
}

TEST_F(WatchTest, TellsOfEachKindOfChangeAtTheNodeAndBelow) {
  const auto watched = watch(node());
  write(node(), "1");
  EXPECT_TRUE(tells(*watched)) << "a node that is made";
  write(node(), "1");
  EXPECT_TRUE(tells(*watched)) << "the same value again";
  write(node() + "/a/b", "1");
  EXPECT_TRUE(tells(*watched)) << "a node below";
  store().set_permissions(node() + "/a", std::vector<host::Permission>{{DomainId{0}}}).value();
  EXPECT_TRUE(tells(*watched)) << "permissions";
  store().remove(node() + "/a").value();
  EXPECT_TRUE(tells(*watched)) << "a node below that goes";
  store().remove(node()).value();
  EXPECT_TRUE(tells(*watched)) << "the node goes";
}

TEST_F(WatchTest, TellsWhenTheNodeGoesWithOneAbove) {
  write(node() + "/a/b", "1");
  const auto watched = watch(node() + "/a/b");
  store().remove(node() + "/a").value();
  EXPECT_TRUE(tells(*watched));
}

TEST_F(WatchTest, IgnoresNodesBesideAndAbove) {
  write(node() + "/a", "1");
  const auto watched = watch(node() + "/a");
  write(node() + "/ab", "1");
  write(node() + "/b", "1");
  write(node(), "1");
  store().read(node() + "/a").value();
  EXPECT_TRUE(is_silent(*watched));
  store().remove(node() + "/none").value();
  EXPECT_TRUE(is_silent(*watched));
}

TEST_F(WatchTest, TwoWatchesOnANodeBothFire) {
  const auto first = watch(node());
  const auto second = watch(node());
  write(node(), "1");
  EXPECT_TRUE(eventually([&] { return first->take(); }, 10s));
  EXPECT_TRUE(eventually([&] { return second->take(); }, 10s));
}

TEST_F(WatchTest, TellsOfATransactionOnceItIsCommitted) {
  write(node(), "");
  const auto watched = watch(node());
  static_cast<void>(store().transact([&](host::StoreView& view) -> Result<void> {
    BOOST_OUTCOME_TRYV(view.write(node() + "/a", "1"));
    return Error{.cause = Cause::busy};
  }));
  EXPECT_TRUE(is_silent(*watched)) << "what never was is told";
  EXPECT_TRUE(succeeded(
      store().transact([&](host::StoreView& view) { return view.write(node() + "/a", "1"); })));
  EXPECT_TRUE(tells(*watched));
}

TEST_F(WatchTest, FoldsChanges) {
  const auto watched = watch(node());
  for (int i = 0; i < 300; ++i) write(node(), std::to_string(i));
  EXPECT_TRUE(tells(*watched));
  pass(500ms);  // their events may still be on their way
  static_cast<void>(watched->take());
  EXPECT_TRUE(is_silent(*watched));
  write(node(), "heard");
  EXPECT_TRUE(tells(*watched));
}

TEST_F(WatchTest, AFloodOfChangesEndsItAfterALastEvent) {
  const auto watched = watch(node());
  const auto other = watch(node() + "/other");
  for (int i = 0; i < 3000; ++i) write(node() + "/" + std::to_string(i % 7), std::to_string(i));
  EXPECT_TRUE(tells(*watched));
  pass(500ms);
  static_cast<void>(watched->take());
  write(node(), "unheard");
  EXPECT_TRUE(is_silent(*watched));
  write(node() + "/other", "heard");
  EXPECT_TRUE(tells(*other)) << "others go on";
}

TEST_F(WatchTest, EndsWithItsObject) {
  auto watched = watch(node());
  watched.reset();
  write(node(), "unheard");
  EXPECT_GE(wait(wakeup(), 300ms), 300ms);
}

TEST_F(WatchTest, TakesTheSpecialPaths) {
  for (const auto* path : {"@releaseDomain", "@introduceDomain"}) {
    const auto watched = watch(path);
    write(node(), "1");
    EXPECT_TRUE(is_silent(*watched)) << path;
  }
}

TEST_F(WatchTest, RefusesInvalidPaths) {
  const std::vector<std::string> none{
      "", "memctl", node() + "/", node() + "//a", node() + "/a b", node() + std::string{"\0a", 2}};
  for (const auto& path : none) {
    EXPECT_TRUE(failed_with(store().watch(path, wakeup()), Cause::store_error)) << path;
  }
  EXPECT_FALSE(wakeup().pending());
}

}  // namespace
}  // namespace memctl::contract
