// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The port itself, and its clock.
#include <boost/asio/post.hpp>

#include "port_fixture.hpp"

namespace memctl::contract {
namespace {

class ClockTest : public PortTest {};

TEST_F(PortTest, NamesThisProcessAndKnowsItFromOthers) {
  const std::string self = port().self();
  EXPECT_FALSE(self.empty());
  EXPECT_EQ(port().self(), self);
  EXPECT_TRUE(port().is_alive(self)) << self;
  for (const std::string& other : {std::string{}, std::string{":"}, self + "0", "x" + self}) {
    EXPECT_FALSE(port().is_alive(other)) << other;
  }
}

TEST_F(PortTest, RunsWhatIsPostedToItsExecutor) {
  bool ran = false;
  boost::asio::post(context(), [&] { ran = true; });
  EXPECT_TRUE(eventually([&] { return ran; }, 1s));
}

TEST_F(ClockTest, PassesWhileSomebodyWaits) {
  host::Wakeup wakeup;
  const host::TimePoint begin = clock().now();
  EXPECT_GE(wait(wakeup, 200ms), 200ms);
  EXPECT_GE(clock().now() - begin, 200ms);
}

TEST_F(ClockTest, AWaitUntilNowOrEarlierEndsAtOnce) {
  host::Wakeup wakeup;
  EXPECT_LT(wait(wakeup, 0s), 1s);
  EXPECT_LT(wait(wakeup, -1h), 1s);
}

TEST_F(ClockTest, ANotificationBeforeTheWaitEndsItAndIsTaken) {
  host::Wakeup wakeup;
  wakeup.notify();
  wakeup.notify();
  EXPECT_LT(wait(wakeup, 1h), 5s);
  EXPECT_FALSE(wakeup.pending());
  EXPECT_GE(wait(wakeup, 100ms), 100ms) << "two notifications were taken for two";
}

TEST_F(ClockTest, ANotificationDuringTheWaitEndsItAndIsTaken) {
  host::Wakeup wakeup;
  boost::asio::post(context(), [&] { wakeup.notify(); });
  EXPECT_LT(wait(wakeup, 1h), 5s);
  EXPECT_FALSE(wakeup.pending());
}

TEST_F(ClockTest, ANotificationAfterTheWaitIsTakenOnce) {
  host::Wakeup wakeup;
  wait(wakeup, 10ms);
  wakeup.notify();
  EXPECT_TRUE(wakeup.take());
  EXPECT_FALSE(wakeup.take());
}

}  // namespace
}  // namespace memctl::contract
