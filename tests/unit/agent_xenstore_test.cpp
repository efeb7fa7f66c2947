// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The agent's connection to xenstored, and what xenstored, its kernel and a broken one may send.
#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "agent/xenstore_connection.hpp"
#include "agent/xenstore_link.hpp"
#include "scripted_xenstored.hpp"

namespace memctl::agent {
namespace {

using namespace std::chrono_literals;
using test::XsMessage;

constexpr const char* node = "data/memctl/report";

std::string event() {
  return XsMessage{.type = XsMessage::event, .body = {"control/memctl/request\0memctl\0", 30}}
      .bytes();
}
std::string refusal(const XsMessage& request, const std::string& name) {
  return XsMessage{.type = XsMessage::error, .request = request.request, .body = name + '\0'}
      .bytes();
}

class AgentXenstore : public testing::Test {
 protected:
  int read_error() {
    int error = -1;
    EXPECT_FALSE(link_.read(node, error));
    return error;
  }
  [[nodiscard]] int lost() const { return link_.lost() ? link_.lost()->error : 0; }
  bool readable() const {
    pollfd source{link_.fd(), POLLIN, 0};
    return ::poll(&source, 1, 10'000) == 1;
  }

  explicit AgentXenstore(XenstoreConnection::Patience patience = {})
      : link_{XenstoreConnection{xenstored_.client(), patience}} {}

  test::ScriptedXenstored xenstored_;
  XenstoreLink link_;
};

class ImpatientAgentXenstore : public AgentXenstore {
 protected:
  ImpatientAgentXenstore() : AgentXenstore{{.all = 100ms, .turn = 20ms}} {}
};

TEST_F(AgentXenstore, keeps_what_is_written_byte_for_byte) {
  int error = -1;
  for (const std::string& value :
       {std::string{}, std::string{"a\0b\n", 4}, std::string(2048, 'x')}) {
    EXPECT_EQ(link_.write(node, value), 0);
    EXPECT_EQ(link_.read(node, error), value);
    EXPECT_EQ(error, 0);
  }
  link_.remove(node);
  EXPECT_EQ(read_error(), 0) << "a node that is not there is no error";
  EXPECT_EQ(lost(), 0);
}

TEST_F(AgentXenstore, replies_may_come_byte_by_byte) {
  xenstored_.dribble();
  EXPECT_EQ(link_.write(node, std::string(1000, 'y')), 0);
  int error = -1;
  EXPECT_EQ(link_.read(node, error), std::string(1000, 'y'));
}

TEST_F(AgentXenstore, events_before_a_reply_are_kept_and_told_once) {
  xenstored_.follow(
      [](const auto&, const auto& reply) { return event() + event() + reply.bytes(); });
  EXPECT_EQ(link_.watch("control/memctl/request"), 0)
      << "also before the reply to the watch itself";
  EXPECT_TRUE(link_.has_fired());
  link_.drain();
  EXPECT_FALSE(link_.has_fired());
  EXPECT_EQ(link_.write(node, "value"), 0);
  EXPECT_TRUE(link_.has_fired());
}

TEST_F(AgentXenstore, events_after_a_reply_make_its_descriptor_readable) {
  xenstored_.follow([](const auto&, const auto& reply) { return reply.bytes() + event(); });
  EXPECT_EQ(link_.watch("control/memctl/request"), 0);
  EXPECT_FALSE(link_.has_fired());
  EXPECT_TRUE(readable());
  link_.drain();
  pollfd source{link_.fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&source, 1, 0), 0);
  EXPECT_EQ(lost(), 0);
}

TEST_F(AgentXenstore, a_part_of_an_event_is_waited_for_without_blocking) {
  xenstored_.send(event().substr(0, 20));
  EXPECT_TRUE(readable());
  link_.drain();
  xenstored_.send(event().substr(20));
  int error = -1;
  EXPECT_FALSE(link_.read(node, error));
  EXPECT_EQ(error, 0);
  EXPECT_TRUE(link_.has_fired());
}

TEST_F(AgentXenstore, refusals_have_their_numbers_and_lose_nothing) {
  const std::vector<std::pair<std::string, int>> refusals{
      {"EACCES", EACCES}, {"EAGAIN", EAGAIN}, {"ENOSPC", ENOSPC}, {"E2BIG", E2BIG},
      {"EQUOTA", EDQUOT}, {"EIO", EIO},       {"EODD", EIO},      {"", EIO}};
  for (const auto& [name, number] : refusals) {
    xenstored_.follow([&](const auto& request, const auto&) { return refusal(request, name); });
    EXPECT_EQ(link_.write(node, "value"), number) << name;
    EXPECT_EQ(read_error(), number) << name;
  }
  xenstored_.follow({});
  EXPECT_EQ(link_.write(node, "value"), 0);
  EXPECT_EQ(lost(), 0);
}

TEST_F(AgentXenstore, sends_no_message_for_which_xenstored_would_end_the_connection) {
  EXPECT_EQ(link_.write(node, std::string(4096, 'z')), E2BIG);
  EXPECT_EQ(xenstored_.requests(), 0);
  EXPECT_EQ(link_.write("n", std::string(4094, 'z')), 0) << "the largest that fits";
  EXPECT_EQ(lost(), 0);
}

TEST_F(AgentXenstore, skips_replies_to_requests_of_others) {
  EXPECT_EQ(link_.write(node, "right"), 0);
  xenstored_.follow([](const auto& request, const auto& reply) {
    const XsMessage foreign{
        .type = XsMessage::read, .request = request.request + 1000, .body = "wrong"};
    return foreign.bytes() + refusal(foreign, "EACCES") + reply.bytes();
  });
  int error = -1;
  EXPECT_EQ(link_.read(node, error), "right");
}

TEST_F(AgentXenstore, takes_the_replies_of_kernels_that_put_their_own_numbers_into_them) {
  std::uint32_t next = 700;
  xenstored_.follow([&](const auto&, XsMessage reply) {
    reply.request = next++;
    return event() + reply.bytes();
  });
  EXPECT_EQ(link_.write(node, "value"), 0);
  int error = -1;
  EXPECT_EQ(link_.read(node, error), "value");
  EXPECT_EQ(error, 0);
}

TEST_F(AgentXenstore, takes_the_reply_without_a_number_that_older_kernels_give_to_a_watch) {
  EXPECT_EQ(link_.write(node, "value"), 0);
  xenstored_.follow([](const auto&, XsMessage reply) {
    reply.request = 0;
    return reply.bytes();
  });
  EXPECT_EQ(link_.watch("control/memctl/request"), 0);
}

TEST_F(ImpatientAgentXenstore, a_reply_that_never_comes_ends_the_connection) {
  xenstored_.follow([](const auto&, const auto&) { return std::string{}; });
  EXPECT_EQ(link_.write(node, "value"), ETIMEDOUT);
  EXPECT_EQ(lost(), ETIMEDOUT);
  EXPECT_EQ(link_.lost()->path, node);
  xenstored_.follow({});
  EXPECT_EQ(link_.write("other", "value"), ETIMEDOUT)
      << "a late reply would be taken for another's";
  EXPECT_EQ(link_.lost()->path, node) << "the call that found it";
}

TEST_F(ImpatientAgentXenstore, events_alone_do_not_put_the_end_off) {
  std::atomic<bool> end{false};
  std::string flood;
  for (int i = 0; i < 100; ++i) flood += event();
  xenstored_.follow([&](const auto&, const auto&) { return flood; });
  std::thread more{[&] {
    while (!end) {
      xenstored_.send(event());
      std::this_thread::sleep_for(5ms);
    }
  }};
  EXPECT_EQ(link_.write(node, "value"), ETIMEDOUT);
  end = true;
  more.join();
}

TEST_F(AgentXenstore, a_closed_connection_is_lost_and_kills_nobody) {
  xenstored_.close();
  EXPECT_TRUE(readable());
  link_.drain();
  EXPECT_EQ(lost(), ECONNRESET);
  EXPECT_EQ(link_.write(node, "value"), ECONNRESET);
  EXPECT_EQ(read_error(), ECONNRESET);
}

TEST_F(AgentXenstore, a_connection_that_closes_during_a_request_is_lost) {
  xenstored_.follow([](const auto&, const auto& reply) {
    static_cast<void>(reply);
    return std::string{"close"};
  });
  EXPECT_EQ(link_.write(node, "value"), ECONNRESET);
  EXPECT_EQ(lost(), ECONNRESET);
}

TEST_F(AgentXenstore, a_message_that_is_longer_than_allowed_ends_the_connection) {
  xenstored_.follow([](const auto&, const XsMessage& reply) { return reply.announced(4097); });
  EXPECT_EQ(link_.write(node, "value"), EPROTO);
  EXPECT_EQ(lost(), EPROTO);
}

TEST_F(AgentXenstore, a_reply_of_another_kind_ends_the_connection) {
  xenstored_.follow([](const auto&, XsMessage reply) {
    reply.type = XsMessage::rm;
    return reply.bytes();
  });
  EXPECT_EQ(link_.write(node, "value"), EPROTO);
}

TEST(AgentXenstoreSocket, a_full_one_is_waited_for_and_then_given_up) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const Fd deaf{ends[1]};
  const int small = 4096;
  ::setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  while (::send(ends[0], "xxxxxxxx", 8, MSG_DONTWAIT) > 0) {
  }
  XenstoreConnection connection{Fd{ends[0]}, {.all = 60ms, .turn = 20ms}};
  EXPECT_EQ(connection.request(XenstoreType::write, "n").error, ETIMEDOUT);
  EXPECT_EQ(connection.lost(), ETIMEDOUT);
}

TEST(AgentXenstoreReader, takes_messages_from_pieces_of_any_size) {
  const std::string bytes = event() + XsMessage{.type = XsMessage::read, .request = 9}.bytes();
  for (std::size_t piece = 1; piece < bytes.size(); ++piece) {
    XenstoreReader reader;
    int complete = 0;
    for (std::size_t at = 0; at < bytes.size();) {
      const auto room = reader.room();
      const auto count = std::min({room.size(), piece, bytes.size() - at});
      std::memcpy(room.data(), bytes.data() + at, count);
      at += count;
      ASSERT_TRUE(reader.filled(count));
      if (const auto message = reader.message()) {
        ++complete;
        EXPECT_EQ(message->body.size(), complete == 1 ? 30u : 0u);
        EXPECT_EQ(message->request, complete == 1 ? 0u : 9u);
      }
    }
    EXPECT_EQ(complete, 2) << piece;
  }
}

}  // namespace
}  // namespace memctl::agent
