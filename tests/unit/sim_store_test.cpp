// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The simulated xenstore beyond the contract of tests/contract, which both hosts keep: the view of
// a guest, the quotas of a guest, and a xenstored that is gone.
#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "host/sim/store.hpp"

namespace memctl::host::sim {
namespace {

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
  EXPECT_TRUE(store.write("/local/domain/5/data/x", std::string(host::longest_value, 'x')));
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

TEST_F(SimStoreTest, AWatchTellsOfDomainsThatGoUntilItEnds) {
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
