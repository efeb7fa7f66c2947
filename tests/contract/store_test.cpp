// SPDX-License-Identifier: LGPL-2.1-or-later
//
// xenstore's nodes, as dom0 sees them.
#include "port_fixture.hpp"
#include "store_fixture.hpp"

namespace memctl::contract {
namespace {

class StoreTest : public StoreFixture {};
class GuestStoreTest : public GuestTest {};
MEMCTL_ON_EACH_GUEST(GuestStoreTest);

TEST_F(StoreTest, ReadsWhatWasWritten) {
  for (const std::string& value : {std::string{}, std::string{"text"}, std::string{"a\0\xff", 3},
                                   std::string(host::longest_value, 'x')}) {
    ASSERT_TRUE(succeeded(store().write(node(), value)));
    EXPECT_EQ(read(node()), value);
  }
}

TEST_F(StoreTest, MakesTheNodesAbove) {
  ASSERT_TRUE(succeeded(store().write(node() + "/a/b", "x")));
  EXPECT_EQ(read(node() + "/a"), "");
}

TEST_F(StoreTest, APathMayBeAsLongAsIsPromised) {
  const std::string path = node() + "/" + std::string(host::longest_path - node().size() - 1, 'x');
  ASSERT_TRUE(succeeded(store().write(path, "1")));
  EXPECT_EQ(read(path), "1");
  EXPECT_TRUE(failed_with(store().write(path + "x", "1"), Cause::store_error));
}

TEST_F(StoreTest, AMissingNodeReadsAsNothing) {
  EXPECT_EQ(read(node()), std::nullopt);
  EXPECT_EQ(read(node() + "/a/b"), std::nullopt);
  EXPECT_TRUE(succeeded(store().remove(node())));
  EXPECT_TRUE(succeeded(store().remove(node() + "/a/b")));
}

TEST_F(StoreTest, RemovesAllBelowAndNothingBeside) {
  for (const auto* child : {"/a/b/c", "/a-b", "/ab"}) {
    ASSERT_TRUE(succeeded(store().write(node() + child, "x")));
  }
  ASSERT_TRUE(succeeded(store().remove(node() + "/a")));
  EXPECT_EQ(read(node() + "/a/b/c"), std::nullopt);
  EXPECT_EQ(read(node() + "/a"), std::nullopt);
  EXPECT_EQ(read(node() + "/a-b"), "x");
  EXPECT_EQ(read(node() + "/ab"), "x");
}

TEST_F(StoreTest, RefusesInvalidPaths) {
  const std::vector<std::string> none{"",
                                      "memctl",
                                      "memctl/a",
                                      node() + "/",
                                      "//tool",
                                      node() + "//a",
                                      node() + "/a b",
                                      node() + "/\xc3\xa4",
                                      "@memctl",
                                      node() + std::string{"\0a", 2},
                                      node() + "/" + std::string(4100, 'x')};
  for (const auto& path : none) {
    EXPECT_TRUE(failed_with(store().read(path), Cause::store_error)) << path;
    EXPECT_TRUE(failed_with(store().write(path, ""), Cause::store_error)) << path;
    EXPECT_TRUE(failed_with(store().remove(path), Cause::store_error)) << path;
  }
}

TEST_F(StoreTest, RefusesAValuePastTheLimitAndGoesOn) {
  ASSERT_TRUE(succeeded(store().write(node(), "kept")));
  for (const std::size_t size : {host::longest_value + 1, std::size_t{4096}, std::size_t{100000}}) {
    const auto refused = store().write(node(), std::string(size, 'x'));
    ASSERT_TRUE(failed_with(refused, Cause::store_error)) << size;
    EXPECT_EQ(refused.error().raw, E2BIG);
  }
  EXPECT_EQ(read(node()), "kept");
}

TEST_F(StoreTest, PermissionsNeedANodeAndAnOwner) {
  const std::vector<host::Permission> dom0{{.domain = DomainId{0}}};
  EXPECT_TRUE(failed_with(store().set_permissions(node(), dom0), Cause::store_error));
  ASSERT_TRUE(succeeded(store().write(node(), "")));
  EXPECT_TRUE(succeeded(store().set_permissions(node(), dom0)));
  EXPECT_TRUE(failed_with(store().set_permissions(node(), {}), Cause::store_error));
  if (is_oxenstored()) return;  // it asks nobody whether a domain is there
  const std::vector<host::Permission> nobody{{.domain = DomainId{31999}}};
  EXPECT_TRUE(failed_with(store().set_permissions(node(), nobody), Cause::store_error))
      << "a domain that is not owns a node";
}

TEST_P(GuestStoreTest, GuestsOwnAndReadNodesAndDom0ReadsThemAll) {
  const std::string node = own("data/memctl-contract");
  ASSERT_TRUE(succeeded(store().write(node, "1")));
  for (const auto& permissions : {std::vector<host::Permission>{{.domain = id()}},
                                  {{.domain = DomainId{0}}, {.domain = id(), .read = true}},
                                  {{.domain = id(), .read = true, .write = true}}}) {
    EXPECT_TRUE(succeeded(store().set_permissions(node, permissions)));
    EXPECT_EQ(stored(node), "1");
    EXPECT_TRUE(succeeded(store().write(node, "1")));
  }
  EXPECT_TRUE(succeeded(store().remove(node)));
}

}  // namespace
}  // namespace memctl::contract
