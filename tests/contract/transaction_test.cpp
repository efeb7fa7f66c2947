// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Changes of xenstore that happen all together or not at all.
#include "store_fixture.hpp"

namespace memctl::contract {
namespace {

using host::StoreView;

const std::vector<host::Permission> dom0_only{{.domain = DomainId{0}}};

class TransactionTest : public StoreFixture {
 protected:
  /// Makes a transaction in which `body` reads, then another writer interferes, and then
  /// `node()/result` is written. Returns how often the store tries it.
  int attempts(const std::function<void(StoreView&)>& body,
               const std::function<void()>& interfere) {
    int count = 0;
    const auto result = store().transact([&](StoreView& view) -> Result<void> {
      body(view);
      if (++count == 1) interfere();
      return view.write(node() + "/result", std::to_string(count));
    });
    EXPECT_TRUE(succeeded(result));
    EXPECT_EQ(read(node() + "/result"), std::to_string(count));
    return count;
  }
};

TEST_F(TransactionTest, SeesItsOwnChangesAndOthersSeeThemTogether) {
  write(node() + "/old", "1");
  const auto result = store().transact([&](StoreView& view) -> Result<void> {
    BOOST_OUTCOME_TRYV(view.write(node() + "/new/below", "2"));
    BOOST_OUTCOME_TRYV(view.remove(node() + "/old"));
    EXPECT_EQ(view.read(node() + "/new/below").value(), "2");
    EXPECT_EQ(view.read(node() + "/new").value(), "");
    EXPECT_EQ(view.read(node() + "/old").value(), std::nullopt);
    EXPECT_EQ(read(node() + "/new/below"), std::nullopt);
    EXPECT_EQ(read(node() + "/old"), "1");
    return view.set_permissions(node() + "/new", dom0_only);
  });
  EXPECT_TRUE(succeeded(result));
  EXPECT_EQ(read(node() + "/new/below"), "2");
  EXPECT_EQ(read(node() + "/old"), std::nullopt);
}

TEST_F(TransactionTest, MakesAnewWhatItRemoved) {
  write(node() + "/a/b", "old");
  const auto result = store().transact([&](StoreView& view) -> Result<void> {
    BOOST_OUTCOME_TRYV(view.remove(node() + "/a"));
    EXPECT_EQ(view.read(node() + "/a/b").value(), std::nullopt);
    BOOST_OUTCOME_TRYV(view.write(node() + "/a/c", "new"));
    return success();
  });
  EXPECT_TRUE(succeeded(result));
  EXPECT_EQ(read(node() + "/a/b"), std::nullopt);
  EXPECT_EQ(read(node() + "/a/c"), "new");
}

TEST_F(TransactionTest, AnErrorOfTheBodyAbortsAndIsReturned) {
  write(node() + "/a", "kept");
  const auto result = store().transact([&](StoreView& view) -> Result<void> {
    BOOST_OUTCOME_TRYV(view.write(node() + "/a", "lost"));
    BOOST_OUTCOME_TRYV(view.write(node() + "/b", "lost"));
    return Error{.cause = Cause::busy};
  });
  EXPECT_TRUE(failed_with(result, Cause::busy));
  EXPECT_EQ(read(node() + "/a"), "kept");
  EXPECT_EQ(read(node() + "/b"), std::nullopt);
}

TEST_F(TransactionTest, AnErrorOfACallIsTheBodysToHandle) {
  const auto result = store().transact([&](StoreView& view) -> Result<void> {
    EXPECT_TRUE(failed_with(view.read("memctl"), Cause::store_error));
    EXPECT_TRUE(failed_with(view.remove("memctl"), Cause::store_error));
    EXPECT_TRUE(failed_with(view.write("memctl", ""), Cause::store_error));
    EXPECT_TRUE(failed_with(view.write(node() + "/a", std::string(5000, 'x')), Cause::store_error));
    EXPECT_TRUE(failed_with(view.set_permissions(node() + "/none", dom0_only), Cause::store_error));
    EXPECT_EQ(view.read(node() + "/none").value(), std::nullopt);
    EXPECT_TRUE(succeeded(view.remove(node() + "/none")));
    return view.write(node() + "/a", "2");
  });
  EXPECT_TRUE(succeeded(result));
  EXPECT_EQ(read(node() + "/a"), "2");
}

TEST_F(TransactionTest, IsTriedAgainWhenAnotherWritesWhatItRead) {
  write(node() + "/a", "1");
  EXPECT_EQ(attempts([&](StoreView& view) { view.read(node() + "/a").value(); },
                     [&] { write(node() + "/a", "2"); }),
            2);
}

TEST_F(TransactionTest, IsTriedAgainWhenAnotherRemovesWhatItRead) {
  write(node() + "/a/b", "1");
  EXPECT_EQ(attempts([&](StoreView& view) { view.read(node() + "/a/b").value(); },
                     [&] { store().remove(node() + "/a").value(); }),
            2);
}

TEST_F(TransactionTest, IsTriedAgainWhenAnotherMakesWhatItMissed) {
  write(node(), "");
  EXPECT_EQ(attempts([&](StoreView& view) { view.read(node() + "/a").value(); },
                     [&] { write(node() + "/a", "1"); }),
            2);
}

TEST_F(TransactionTest, IsNotTriedAgainForWhatItDidNotRead) {
  write(node() + "/a", "1");
  write(node() + "/b", "1");
  write(node() + "/result", "");
  EXPECT_EQ(attempts([&](StoreView& view) { view.read(node() + "/a").value(); },
                     [&] { write(node() + "/b", "2"); }),
            1);
  EXPECT_EQ(attempts([](StoreView&) {}, [&] { write(node() + "/result", "other"); }), 1);
}

/// xenstored keeps the names of a node's children in the node; oxenstored does not.
TEST_F(TransactionTest, TwoWritersMakeNodesBesideEachOther) {
  write(node(), "");
  EXPECT_EQ(attempts([&](StoreView& view) { view.write(node() + "/mine", "").value(); },
                     [&] { write(node() + "/others", ""); }),
            is_oxenstored() ? 1 : 2);
  EXPECT_EQ(read(node() + "/mine"), "");
  EXPECT_EQ(read(node() + "/others"), "");
}

TEST_F(TransactionTest, IsGivenUpAfter16Attempts) {
  write(node() + "/a", "0");
  int count = 0;
  const auto result = store().transact([&](StoreView& view) -> Result<void> {
    BOOST_OUTCOME_TRYV(view.read(node() + "/a"));
    BOOST_OUTCOME_TRYV(store().write(node() + "/a", std::to_string(++count)));
    return view.write(node() + "/result", "never");
  });
  EXPECT_TRUE(failed_with(result, Cause::store_error));
  EXPECT_EQ(count, 16);
  EXPECT_EQ(read(node() + "/a"), "16");
  EXPECT_EQ(read(node() + "/result"), std::nullopt);
}

}  // namespace
}  // namespace memctl::contract
