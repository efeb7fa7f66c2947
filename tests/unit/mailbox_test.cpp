// SPDX-License-Identifier: LGPL-2.1-or-later
#include "guest/mailbox.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <utility>

#include "guest/message.hpp"

namespace memctl {
namespace {

using testing::ElementsAre;

/// Keeps nodes, their permissions, and the order of the accesses.
class FakeStore final : public host::Store {
 public:
  explicit FakeStore(std::map<std::string, std::string> at_first) : nodes{std::move(at_first)} {}

  Result<std::optional<std::string>> read(const std::string& path) override {
    if (failing) return Error{.cause = Cause::store_error};
    const auto found = nodes.find(path);
    return found == nodes.end() ? std::nullopt : std::optional{found->second};
  }
  Result<void> write(const std::string& path, std::string_view value) override {
    if (failing) return Error{.cause = Cause::store_error};
    nodes[path] = value;
    history.push_back("write " + path);
    return success();
  }
  Result<void> remove(const std::string& path) override {
    nodes.erase(path);
    return success();
  }
  Result<void> set_permissions(const std::string& path,
                               std::span<const host::Permission> list) override {
    permissions[path].assign(list.begin(), list.end());
    history.push_back("permit " + path);
    return success();
  }
  Result<std::unique_ptr<host::Watch>> watch(const std::string& path, host::Wakeup&) override {
    watched.push_back(path);
    return std::unique_ptr<host::Watch>{};
  }
  Result<void> transact(const std::function<Result<void>(host::StoreView&)>& body) override {
    history.emplace_back("begin");
    auto done = body(*this);
    history.emplace_back(done ? "commit" : "abort");
    return done;
  }

  std::map<std::string, std::string> nodes;
  std::map<std::string, std::vector<host::Permission>> permissions;
  std::vector<std::string> history;
  std::vector<std::string> watched;
  bool failing{false};
};

class MailboxTest : public testing::Test {
 protected:
  const std::string hello_ = "/local/domain/3/data/memctl/hello";
  const std::string report_ = "/local/domain/3/data/memctl/report";
  const std::string control_ = "/local/domain/3/control/memctl";
  const std::string request_ = control_ + "/request";
  FakeStore store_{{{"/local/domain/3", ""}}};
  guest::Mailbox mailbox_{store_, DomainId{3}};
};

TEST_F(MailboxTest, an_empty_mailbox_holds_nothing) {
  EXPECT_FALSE(mailbox_.hello().value());
  EXPECT_FALSE(mailbox_.report().value());
  EXPECT_EQ(mailbox_.last_request_sequence().value(), 0u);
}

TEST_F(MailboxTest, reads_what_the_agent_wrote) {
  store_.nodes[hello_] = guest::encode(
      AgentHello{.protocol_min = 1, .protocol_max = 1, .block_size = 128_MiB, .hotplug = true});
  store_.nodes[report_] = guest::encode(AgentReport{.sequence = 4});
  EXPECT_TRUE(mailbox_.hello().value()->hotplug);
  EXPECT_EQ(mailbox_.report().value()->sequence, 4u);
}

TEST_F(MailboxTest, what_the_guest_garbles_is_nothing_and_no_error) {
  store_.nodes[hello_] = "rubbish";
  store_.nodes[report_] = std::string(4000, 'A');
  EXPECT_FALSE(mailbox_.hello().value());
  EXPECT_FALSE(mailbox_.report().value());
}

TEST_F(MailboxTest, a_request_appears_only_where_the_guest_cannot_write) {
  ASSERT_TRUE(mailbox_.write(AgentRequest{.operation = 1, .sequence = 8}));
  EXPECT_THAT(store_.history, ElementsAre("begin", "write " + request_, "permit " + control_,
                                          "permit " + request_, "commit"));
  for (const auto& path : {control_, request_}) {
    const auto& permissions = store_.permissions[path];
    ASSERT_EQ(permissions.size(), 2u);
    EXPECT_EQ(permissions[0].domain, DomainId{0});
    EXPECT_FALSE(permissions[0].read || permissions[0].write);
    EXPECT_EQ(permissions[1].domain, DomainId{3});
    EXPECT_TRUE(permissions[1].read);
    EXPECT_FALSE(permissions[1].write);
  }
  EXPECT_EQ(mailbox_.last_request_sequence().value(), 8u);
}

TEST_F(MailboxTest, permissions_are_set_once) {
  ASSERT_TRUE(mailbox_.write(AgentRequest{.sequence = 8}));
  guest::Mailbox later{store_, DomainId{3}};
  EXPECT_EQ(later.last_request_sequence().value(), 8u);
  store_.history.clear();
  ASSERT_TRUE(later.write(AgentRequest{.sequence = 9}));
  ASSERT_TRUE(later.write(AgentRequest{.sequence = 10}));
  EXPECT_THAT(store_.history,
              ElementsAre("begin", "write " + request_, "permit " + control_, "permit " + request_,
                          "commit", "begin", "write " + request_, "commit"));
}

TEST_F(MailboxTest, a_domain_that_has_gone_gets_no_nodes) {
  store_.nodes.clear();
  EXPECT_EQ(mailbox_.write(AgentRequest{}).error().cause, Cause::no_such_domain);
  EXPECT_TRUE(store_.nodes.empty());
}

TEST_F(MailboxTest, a_failing_store_is_an_error) {
  store_.failing = true;
  EXPECT_EQ(mailbox_.hello().error().cause, Cause::store_error);
  EXPECT_EQ(mailbox_.report().error().cause, Cause::store_error);
  EXPECT_EQ(mailbox_.write(AgentRequest{}).error().cause, Cause::store_error);
  EXPECT_EQ(mailbox_.last_request_sequence().error().cause, Cause::store_error);
}

TEST_F(MailboxTest, watches_the_guests_nodes_and_not_its_own) {
  host::Wakeup wakeup;
  ASSERT_TRUE(mailbox_.watch(wakeup));
  EXPECT_THAT(store_.watched, ElementsAre("/local/domain/3/data/memctl"));
}

}  // namespace
}  // namespace memctl
