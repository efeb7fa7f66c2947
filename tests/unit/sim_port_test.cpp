// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The simulated port beyond the contract of tests/contract, which both hosts keep, and the
// simulated agent.
#include <gtest/gtest.h>

#include <chrono>

#include "guest/mailbox.hpp"
#include "support/simulation.hpp"

namespace memctl::host::sim {
namespace {

using namespace std::chrono_literals;
using test::Simulation;

class SimPortTest : public testing::Test {
 protected:
  Simulation sim{};
  World& world = sim.world;
  Hypervisor& xen = sim.port().hypervisor();
  DomainId id = world.add_guest({.name = "web1"});
  Kib memory = 160_MiB + special_pages(DomainType::pvh);
};

TEST_F(SimPortTest, TellsTheFactsOfTheHost) {
  const HostFacts facts = xen.host_facts().value();
  EXPECT_EQ(facts.total, to_pages(65_GiB));
  EXPECT_EQ(to_kib(facts.free), 64_GiB - memory - 1664_KiB);
  EXPECT_EQ(facts.xen_minor, 17);
}

TEST_F(SimPortTest, ADomainOfAnotherToolstackHasNoBootLimit) {
  const DomainId other = world.add_guest({.name = "other", .has_stored_configuration = false});
  const DomainFacts facts = sim.run(xen.domain_facts(other)).value();
  EXPECT_EQ(facts.boot_limit, std::nullopt);
  EXPECT_FALSE(facts.has_stored_configuration);
}

TEST_F(SimPortTest, SizesIncludeVideoRamAndTheTargetInTheStoreDoesNot) {
  const DomainId hvm = world.add_guest(
      {.name = "hvm", .type = DomainType::hvm, .memory = 256_MiB, .video_ram = 16_MiB});
  ASSERT_TRUE(sim.run(xen.set_limit(hvm, 512_MiB)));
  ASSERT_TRUE(sim.run(xen.set_size(hvm, 512_MiB)));
  const DomainFacts facts = sim.run(xen.domain_facts(hvm)).value();
  EXPECT_EQ(facts.target, 496_MiB);
  EXPECT_EQ(facts.size(), 512_MiB);
  EXPECT_EQ(facts.memory.max_pages, 513_MiB);
}

TEST_F(SimPortTest, WaitsForLibxlsLockWithoutHoldingUpOthers) {
  const DomainId other = world.add_guest({.name = "other"});
  world.hold_libxl_lock(id, 10s);
  const TimePoint start = sim.now();
  ASSERT_TRUE(sim.run(xen.set_limit(other, 1_GiB)));
  EXPECT_LT(sim.now() - start, 1s);
  ASSERT_TRUE(sim.run(xen.set_limit(id, 1_GiB)));
  EXPECT_EQ(sim.now() - start, 10s);
}

TEST_F(SimPortTest, TellsOfPauseShutdownAndSave) {
  world.pause(id);
  EXPECT_TRUE(xen.domain_memory(id).value().paused);
  world.unpause(id);
  EXPECT_FALSE(xen.domain_memory(id).value().paused);
  world.set_save_in_progress(id, true);
  EXPECT_TRUE(xen.save_in_progress(id, {}).value());
  world.crash(id);
  EXPECT_EQ(xen.domain_memory(id).value().shutdown, ShutdownReason::crash);
}

TEST_F(SimPortTest, AnEarlierLookAnswersWhetherADomainIsBeingSavedIfItIsYoungEnough) {
  EXPECT_FALSE(xen.save_in_progress(id, {}).value());
  world.set_save_in_progress(id, true);
  EXPECT_FALSE(xen.save_in_progress(id, 20ms).value());
  world.advance(19ms);
  EXPECT_FALSE(xen.save_in_progress(id, 20ms).value());
  world.advance(1ms);
  EXPECT_TRUE(xen.save_in_progress(id, 20ms).value());
  world.set_save_in_progress(id, false);
  EXPECT_FALSE(xen.save_in_progress(id, {}).value()) << "a look that begins now";
  EXPECT_EQ(world.toolstack().save_looks(), 3);
}

TEST_F(SimPortTest, AProcessIsAliveAsLongAsItsPort) {
  std::string other;
  {
    SimPort second{world};
    other = second.self();
    EXPECT_NE(other, sim.port().self());
    EXPECT_TRUE(sim.port().is_alive(other));
  }
  EXPECT_FALSE(sim.port().is_alive(other));
  EXPECT_FALSE(sim.port().is_alive("nobody"));
}

TEST_F(SimPortTest, NodesOfADomainGoWithIt) {
  const std::string journal = "/libxl/" + std::to_string(number(id)) + "/memctl";
  ASSERT_TRUE(sim.port().store().write(journal, "x"));
  const DomainId rebooted = world.reboot(id);
  EXPECT_EQ(sim.port().store().read(journal).value(), std::nullopt);
  EXPECT_EQ(world.guest("web1").id(), rebooted);
}

class SimAgent : public SimPortTest {
 protected:
  AgentRequest request(RequestKind kind, std::uint64_t sequence) {
    return {.operation = 77, .sequence = sequence, .kind = kind};
  }
  void ask(const AgentRequest& what, Duration wait = 100ms) {
    mailbox.write(what).value();
    world.advance(wait);
  }
  std::optional<AgentReport> report() { return mailbox.report().value(); }
  const std::string& policy() { return world.guest(id).kernel().spec().online_policy; }
  int reports() { return world.guest(id).agent().reports_written(); }
  guest::Mailbox mailbox{sim.port().store(), id};
};

TEST_F(SimAgent, AnnouncesItselfWhenTheGuestHasBooted) {
  const auto hello = mailbox.hello().value();
  ASSERT_TRUE(hello);
  EXPECT_EQ(hello->block_size, 128_MiB);
  EXPECT_TRUE(hello->hotplug);
  EXPECT_FALSE(report());

  const DomainId booting = world.add_guest({.name = "booting", .booted = false});
  guest::Mailbox theirs{sim.port().store(), booting};
  EXPECT_FALSE(theirs.hello().value());
  world.advance(20s);
  EXPECT_TRUE(theirs.hello().value());
}

TEST_F(SimAgent, ObserveGivesOneReportAndChangesNothing) {
  ask(request(RequestKind::observe, 1), 1min);
  ASSERT_TRUE(report());
  EXPECT_EQ(report()->operation, 77U);
  EXPECT_EQ(report()->request, 1U);
  EXPECT_EQ(report()->phase, AgentPhase::idle);
  const Kib lent_when_needed = 4_MiB;
  EXPECT_EQ(report()->kernel_zone_free,
            world.guest(id).kernel().memory().kernel_free() + lent_when_needed);
  EXPECT_EQ(report()->balloon_target, 160_MiB - 388_KiB);
  EXPECT_EQ(reports(), 1);
  EXPECT_EQ(policy(), "offline");
}

TEST_F(SimAgent, PrepareSetsThePolicyAndReleaseRestoresIt) {
  ask(request(RequestKind::prepare, 1));
  EXPECT_EQ(policy(), "online_kernel");
  EXPECT_EQ(report()->phase, AgentPhase::ready);
  ask(request(RequestKind::release, 2), 1min);
  EXPECT_EQ(policy(), "offline");
  EXPECT_EQ(report()->phase, AgentPhase::released);
  const int written = reports();
  world.advance(1h);
  EXPECT_EQ(reports(), written);
}

TEST_F(SimAgent, PrepareOnlinesWhatAnEarlierGrowthLeftOffline) {
  ASSERT_TRUE(world.mem_max(id, 288_MiB));
  ASSERT_TRUE(world.mem_set(id, 288_MiB));
  world.advance(10s);
  ASSERT_EQ(world.guest(id).kernel().blocks_offline(), 1);
  ask(request(RequestKind::prepare, 1), 10s);
  EXPECT_EQ(world.populated(id), 288_MiB);
  EXPECT_EQ(report()->blocks_added, 0);
}

TEST_F(SimAgent, ReportsEveryTwoSecondsAndWhenBlocksComeAndTheBalloonArrives) {
  ask(request(RequestKind::prepare, 1));
  ASSERT_TRUE(world.mem_max(id, 800_MiB));
  ASSERT_TRUE(world.mem_set(id, 800_MiB));
  world.advance(100ms);
  EXPECT_EQ(report()->phase, AgentPhase::growing);
  EXPECT_EQ(report()->blocks_added, 5);
  EXPECT_EQ(report()->blocks_added_offline, 0);
  world.advance(2s);
  EXPECT_EQ(report()->phase, AgentPhase::ready);
  EXPECT_EQ(report()->balloon_current, 800_MiB - 388_KiB);
  const int written = reports();
  world.advance(20s);
  EXPECT_GE(reports(), written + 10);
}

TEST_F(SimAgent, IsAsQuietAsTheRealOneWhileNothingHappens) {
  ask(request(RequestKind::prepare, 1), 10s);
  const int written = reports();
  world.advance(15s);
  EXPECT_EQ(reports(), written + 10) << "a heartbeat every 1.5 s";
}

TEST_F(SimAgent, FoldsWhatHappensWithin50Milliseconds) {
  ask(request(RequestKind::prepare, 1), 1s);
  ASSERT_TRUE(world.mem_max(id, 3_GiB));
  ASSERT_TRUE(world.mem_set(id, 3_GiB));
  const int written = reports();
  world.advance(100ms);
  EXPECT_LE(reports(), written + 3) << "23 blocks came and went online meanwhile";
  EXPECT_EQ(report()->blocks_added, 23);
}

TEST_F(SimAgent, ReportsEvery50MillisecondsWhileTheBalloonGivesMemoryBack) {
  ask(request(RequestKind::prepare, 1));
  ASSERT_TRUE(world.mem_max(id, 3_GiB));
  static_cast<void>(world.set_pool(id, 32_MiB));
  ASSERT_TRUE(world.mem_set(id, 3_GiB));
  world.advance(10s);
  ASSERT_TRUE(world.mem_set(id, 1_GiB));
  world.advance(500ms);  // an idle balloon is looked at only so often
  const int written = reports();
  world.advance(1s);
  EXPECT_GE(reports(), written + 15);
  EXPECT_LE(reports(), written + 20);
}

TEST_F(SimAgent, AnAgentThatIsStartedAgainGoesOnWithItsOperation) {
  ask(request(RequestKind::prepare, 1));
  auto& agent = world.guest(id).agent();
  agent.kill();
  ASSERT_TRUE(world.mem_max(id, 800_MiB));
  ASSERT_TRUE(world.mem_set(id, 800_MiB));
  world.advance(10s);
  agent.set_conduct(AgentConduct::normal);
  agent.start(id);
  world.advance(100ms);
  EXPECT_EQ(report()->operation, 77U);
  EXPECT_EQ(report()->blocks_added, 5);
  ask(request(RequestKind::release, 2));
  EXPECT_EQ(policy(), "offline");
}

TEST_F(SimAgent, AKernelWithoutXensHotplugSaysSoAndIsServedAllTheSame) {
  GuestSpec spec{.name = "old"};
  spec.linux.hotplug = false;
  const DomainId old = world.add_guest(spec);
  guest::Mailbox theirs{sim.port().store(), old};
  EXPECT_FALSE(theirs.hello().value()->hotplug);
  EXPECT_EQ(theirs.hello().value()->no_hotplug_reason,
            "the kernel was built without CONFIG_XEN_BALLOON_MEMORY_HOTPLUG");
  theirs.write(request(RequestKind::prepare, 1)).value();
  world.advance(100ms);
  EXPECT_EQ(theirs.report().value()->phase, AgentPhase::ready);
  EXPECT_EQ(theirs.report().value()->error, "");
}

TEST_F(SimAgent, DropsARequestWhoseNumberIsNotHigher) {
  ask(request(RequestKind::prepare, 5));
  ask(request(RequestKind::release, 5));
  ask(request(RequestKind::release, 4));
  EXPECT_EQ(policy(), "online_kernel");
}

TEST_F(SimAgent, WithoutRequestsForTheWholeLeaseThePolicyComesBack) {
  AgentRequest prepare = request(RequestKind::prepare, 1);
  prepare.lease_seconds = 30;
  ask(prepare, 29s);
  EXPECT_EQ(policy(), "online_kernel");
  ask(request(RequestKind::observe, 2), 59s);
  EXPECT_EQ(policy(), "online_kernel");
  world.advance(2s);
  EXPECT_EQ(policy(), "offline");
}

TEST_F(SimAgent, BlocksThatCannotBeOnlinedAreReported) {
  world.guest(id).kernel().spec().online_fails = true;
  ask(request(RequestKind::prepare, 1));
  ASSERT_TRUE(world.mem_max(id, 800_MiB));
  ASSERT_TRUE(world.mem_set(id, 800_MiB));
  world.advance(1s);
  EXPECT_EQ(report()->blocks_added, 5);
  EXPECT_EQ(report()->blocks_added_offline, 5);
  EXPECT_FALSE(report()->error.empty());
}

TEST_F(SimAgent, AKilledAgentLeavesItsHelloAndAnswersNoMore) {
  ask(request(RequestKind::prepare, 1));
  const int written = reports();
  world.guest(id).agent().kill();
  ask(request(RequestKind::release, 2), 1h);
  EXPECT_EQ(reports(), written);
  EXPECT_TRUE(mailbox.hello().value());
}

TEST_F(SimAgent, AfterARestoreAnnouncesItselfAgainAndServesNoOperation) {
  ask(request(RequestKind::prepare, 1));
  const DomainId restored = world.save_and_restore(id).value();
  guest::Mailbox theirs{sim.port().store(), restored};
  EXPECT_FALSE(theirs.hello().value()) << "its kernel has not registered its watch again";
  world.advance(100ms);
  EXPECT_EQ(world.guest(restored).kernel().spec().online_policy, "offline");
  ASSERT_TRUE(theirs.hello().value());
  theirs.write(request(RequestKind::observe, 1)).value();
  world.advance(100ms);
  EXPECT_TRUE(theirs.report().value());
}

TEST_F(SimAgent, NothingThatAHostileAgentWritesIsTakenForAnAnswer) {
  for (const AgentConduct conduct :
       {AgentConduct::garbage, AgentConduct::huge, AgentConduct::deleting}) {
    world.guest(id).agent().set_conduct(conduct);
    ask(request(RequestKind::observe, 1 + static_cast<std::uint64_t>(conduct)));
    EXPECT_FALSE(report());
  }
  EXPECT_FALSE(mailbox.hello().value());
}

TEST_F(SimAgent, AGuestThatFloodsLosesItsWatch) {
  Wakeup wakeup;
  const auto watch = mailbox.watch(wakeup).value();
  world.guest(id).agent().set_conduct(AgentConduct::flooding);
  ask(request(RequestKind::prepare, 1), 100ms);
  EXPECT_TRUE(watch->take());
  world.advance(1s);
  EXPECT_TRUE(watch->take());
  world.advance(1s);
  EXPECT_FALSE(watch->take());
}

}  // namespace
}  // namespace memctl::host::sim
