// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Broken promises that the properties found, made small, with the seed that showed each.
#include <gtest/gtest.h>

#include <vector>

#include "session.hpp"

namespace memctl::property {
namespace {

using host::sim::AgentConduct;
using namespace std::chrono_literals;

/// Throws if an assertion of RapidCheck fails.
void replay(const HostChoice& host, const std::vector<Step>& steps) {
  Session session{host};
  for (const Step& step : steps) EXPECT_NO_THROW(session.follow(step));
}

/// Seed 4170. The balloon had taken the video RAM. Asked for the size that it had, the guest went
/// down by the video RAM once more.
TEST(Counterexample, TheSameSizeOnceMoreOfAGuestWithoutItsVideoMemory) {
  replay({.world = {.host = 1_GiB, .xen_minor = 18},
          .guests = {{.type = DomainType::hvm,
                      .memory = 128_MiB,
                      .video_ram = 16_MiB,
                      .linux = {.online_policy = "online",
                                .kernel_free = 19676_KiB,
                                .reclaimable = 5704_KiB}}}},
         {{.goal = Goal::up, .amount = 36, .options = {.on_failure = OnFailure::keep}},
          {.goal = Goal::beyond, .options = {.timeout = 4ms, .on_failure = OnFailure::keep}}});
}

/// Seed 4170. A guest crashed while it was restored, and its record stayed.
TEST(Counterexample, AGuestThatCrashesOnTheWayBack) {
  replay({.world = {.host = 1984_MiB, .xen_minor = 20},
          .guests = {{.type = DomainType::pvh,
                      .memory = 128_MiB,
                      .linux = {.online_policy = "online_movable"},
                      .agent = {.conduct = AgentConduct::lying}}}},
         {{.goal = Goal::beyond,
           .amount = 31,
           .options = {.timeout = 114ms,
                       .on_failure = OnFailure::keep,
                       .online = OnlineZone::movable,
                       .force_movable = true}},
          {.goal = Goal::down, .amount = 309, .options = {.timeout = 38ms}}});
}

/// Seed 4170. Describing blocks took memory from the kernel's own reserve, which grows with the
/// guest.
TEST(Counterexample, ALargeGuestAtItsWatermark) {
  replay({.world = {.host = 3461_MiB},
          .guests = {{.type = DomainType::hvm,
                      .memory = 2390_MiB,
                      .linux = {.online_policy = "online", .kernel_free = 8_MiB}}}},
         {{.goal = Goal::up,
           .amount = 16,
           .options = {.online = OnlineZone::movable, .force_movable = true}}});
}

/// Seed 4170. The guest went on populating between the reading of its size and the new target, and
/// had to give that memory back from its kernel zones.
TEST(Counterexample, APartThatIsKeptInMovableBlocks) {
  for (const auto timeout : {8ms, 12ms, 14ms, 20ms, 40ms, 80ms}) {
    replay({.world = {.host = 2587_MiB, .xen_minor = 18},
            .guests = {{.type = DomainType::hvm,
                        .memory = 1426_MiB,
                        .linux = {.kernel_free = 7528_KiB, .reclaimable = 1_MiB}}}},
           {{.goal = Goal::largest,
             .options = {.timeout = timeout,
                         .on_failure = OnFailure::keep,
                         .online = OnlineZone::movable,
                         .force_movable = true}},
            {.goal = Goal::same}});
  }
}

/// Seed 12. While restoring, each stage was decided on figures from before the stage that had just
/// ended.
TEST(Counterexample, AWayBackInManyStages) {
  replay({.world = {.host = 1654_MiB, .xen_minor = 22},
          .guests = {{.type = DomainType::pvh,
                      .memory = 373_MiB,
                      .maxmem = 600_MiB,
                      .hap = false,
                      .linux = {.block_size = 256_MiB}}}},
         {{.goal = Goal::up,
           .amount = 480,
           .options = {.timeout = 519ms, .online = OnlineZone::movable, .force_movable = true}}});
}

/// Seed 4170. Memory that the balloon still had to take was counted as free.
TEST(Counterexample, ABalloonThatCouldNotShrinkYet) {
  replay({.world = {.host = 2249_MiB, .xen_minor = 18},
          .guests = {{.type = DomainType::hvm,
                      .memory = 2018_MiB,
                      .video_ram = 16_MiB,
                      .linux = {.online_policy = "online", .kernel_free = 8452_KiB}}}},
         {{.goal = Goal::up,
           .amount = 88,
           .options = {.timeout = 9ms,
                       .on_failure = OnFailure::keep,
                       .online = OnlineZone::movable,
                       .force_movable = true}}});
}

/// Seed 4170. Without an agent, the stages counted on memory for descriptions that no stage added.
TEST(Counterexample, AllOfTheHostWithoutAnAgent) {
  replay({.world = {.host = 12662_MiB, .xen_minor = 20},
          .guests = {{.type = DomainType::hvm,
                      .memory = 131_MiB,
                      .video_ram = 16_MiB,
                      .linux = {.online_policy = "online_movable", .reclaimable = 1_MiB},
                      .agent = {.conduct = AgentConduct::killed}}}},
         {{.goal = Goal::largest, .options = {.agentless = true}}});
}

/// Seed 77. A guest on its way up was to shrink, and then to go on. It arrived with a few pages too
/// many, and a target with those pages was past its limit.
TEST(Counterexample, AGuestThatArrivesAtItsEarlierTargetOnTheWayBack) {
  replay({.world = {.host = 3978_MiB},
          .guests = {{.type = DomainType::pvh,
                      .memory = 128_MiB,
                      .hap = false,
                      .linux = {.online_policy = "online_movable",
                                .kernel_free = 33000_KiB,
                                .reclaimable = 1_MiB}}}},
         {{.goal = Goal::largest,
           .trouble = Trouble::saved_and_restored,
           .at = 873ms,
           .options = {.on_failure = OnFailure::keep}},
          {.goal = Goal::down,
           .amount = 566,
           .options = {.timeout = 4ms, .online = OnlineZone::movable, .force_movable = true}}});
}

/// The guest cannot give back as much as its target says, so it looks as if it grew, and its pool
/// stays although the request was refused.
TEST(Counterexample, APoolThatStaysUnderAGuestThatNeverArrives) {
  replay({.world = {.host = 1024_MiB},
          .guests = {{.type = DomainType::hvm,
                      .memory = 128_MiB,
                      .video_ram = 16_MiB,
                      .hap = false,
                      .linux = {.kernel_free = 10176_KiB, .reclaimable = 1040_KiB}}}},
         {{.goal = Goal::beyond,
           .amount = 7,
           .trouble = Trouble::save_begins,
           .at = -1ms,
           .options = {.on_failure = OnFailure::keep,
                       .agentless = true,
                       .allow_hvm_devices = true,
                       .host_reserve = 4_KiB}}});
}

/// A guest that was still to give its video RAM back was above its limit. A stage on its way down
/// raised the limit, which then stayed raised.
TEST(Counterexample, AGuestAboveItsLimitOnItsWayToAnotherTarget) {
  replay({.world = {.host = 1198_MiB, .xen_minor = 22},
          .guests = {{.type = DomainType::hvm,
                      .memory = 336_MiB,
                      .video_ram = 16385_KiB,
                      .linux = {.off_target = 4_KiB, .populated_per_second = 8_KiB}}}},
         {{.goal = Goal::up, .trouble = Trouble::rival_target, .at = -1ms}});
}

/// Seed 2. The limit was raised while the guest booted. Its kernel counted its target from that
/// limit, and gave back more than it could.
TEST(Counterexample, AGuestThatStillBootsAndIsGrownWithoutAnAgent) {
  replay({.world = {.host = 1_GiB},
          .guests = {{.type = DomainType::pvh,
                      .memory = 142_MiB,
                      .linux = {.reclaimable = 1_MiB},
                      .agent = {.conduct = AgentConduct::deleting}}}},
         {{.trouble = Trouble::rebooted, .at = -1ms, .options = {.agentless = true}},
          {.goal = Goal::largest,
           .trouble = Trouble::guest_takes_memory,
           .trouble_amount = 1,
           .at = -1ms,
           .options = {.on_failure = OnFailure::keep, .agentless = true, .host_reserve = 4_KiB}},
          {.goal = Goal::same, .options = {.timeout = 1ms, .on_failure = OnFailure::keep}}});
}

/// A guest that lied about its way kept a limit that was larger than before by most of its video
/// RAM.
TEST(Counterexample, AGuestThatLiesAboutItsWayAndKeepsAPart) {
  host::sim::LinuxSpec kernel = host::sim::LinuxSpec::of_32_bits();
  kernel.online_policy = "online_movable";
  kernel.online_fails = true;
  kernel.kernel_free = 552636_KiB;
  kernel.reclaimable = 1_MiB;
  kernel.off_target = 4_KiB;
  kernel.populated_per_second = 96_KiB;
  replay({.world = {.host = 3613_MiB, .xen_minor = 20, .seed = 1},
          .guests = {{.type = DomainType::hvm,
                      .memory = 1134_MiB,
                      .video_ram = 16385_KiB,
                      .freeze_pool = true,
                      .hap = false,
                      .passthrough_devices = 1,
                      .emulated_dma_devices = true,
                      .linux = kernel,
                      .agent = {.conduct = AgentConduct::dripping, .report_latency = 50ms}}}},
         {{.goal = Goal::floor,
           .options = {.on_failure = OnFailure::keep,
                       .online = OnlineZone::movable,
                       .allow_hvm_devices = true,
                       .force_movable = true,
                       .host_reserve = 4_KiB}}});
}

}  // namespace
}  // namespace memctl::property
