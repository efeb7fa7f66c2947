// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Guests whose paging pool libxl's stored configuration fixes, as xl's default autoballoon has it.
#include <gmock/gmock.h>

#include <chrono>
#include <string>

#include "operation_fixture.hpp"
#include "resize/inquiry.hpp"
#include "resize/recover.hpp"
#include "support/faults.hpp"

namespace memctl::resize {
namespace {

using host::sim::libxl_pool;
using host::sim::World;
using test::Fault;
using testing::HasSubstr;
using namespace std::chrono_literals;

class FrozenPool : public OperationOnSim {
 protected:
  DomainId add_frozen(host::sim::GuestSpec spec = {}) {
    spec.freeze_pool = true;
    return add(std::move(spec));
  }
  std::optional<Kib> stored(DomainId id) {
    return simulation.world.toolstack().find(id)->frozen_pool;
  }
  /// Resizes while something else happens once.
  Result<Report> resize_with(Fault fault, DomainId id, Kib size, ResizeOptions options = {}) {
    test::FaultPlan plan{std::move(fault)};
    test::FaultyPort port{simulation.port(), simulation.world, plan};
    ResizeOperation operation{port, identity(id), size, std::move(options)};
    auto ended = simulation.run(operation.run());
    EXPECT_TRUE(plan.happened());
    return ended;
  }
  /// Before the claim another user of the host takes all that is free.
  static Fault host_is_taken(std::function<void(World&)> and_also = [](World&) {}) {
    return {.kind = Fault::Kind::meanwhile, .call = "claim", .act = [and_also](World& world) {
              world.take_host_memory(world.host_free() - 32_MiB);
              and_also(world);
            }};
  }
};

INSTANTIATE_TEST_SUITE_P(Types, FrozenPool, testing::Values(DomainType::pvh, DomainType::hvm),
                         [](const auto& type) { return std::string{name(type.param)}; });

TEST_P(FrozenPool, IsRaisedWithTheGuestWhichIsThenRestoredAndRebooted) {
  auto& world = simulation.world;
  const DomainId id = add_frozen();
  ASSERT_EQ(stored(id), libxl_pool(160_MiB, 1, true));
  const auto grown = resize(id, 1200_MiB);
  ASSERT_TRUE(grown) << grown.error().message;
  EXPECT_EQ(stored(id), libxl_pool(1200_MiB, 1, true));
  EXPECT_EQ(stored(id), world.pool(id));
  const DomainId restored = world.save_and_restore(id).value();
  EXPECT_EQ(world.populated(restored), 1200_MiB);
  world.advance(1s);
  ASSERT_TRUE(resize(restored, 2_GiB));
  EXPECT_EQ(stored(restored), libxl_pool(2_GiB, 1, true));
  const DomainId rebooted = world.reboot(restored);
  world.advance(60s);
  EXPECT_TRUE(world.guest(rebooted).alive());
  EXPECT_EQ(world.pool(rebooted), libxl_pool(2_GiB, 1, true));
}

TEST_P(FrozenPool, OfAGuestThatShrinksStaysBecauseItsLimitDoes) {
  const DomainId id = add_frozen();
  ASSERT_TRUE(resize(id, 1_GiB));
  ASSERT_TRUE(resize(id, 200_MiB));
  EXPECT_EQ(simulation.world.limit(id), 1_GiB);
  EXPECT_EQ(stored(id), libxl_pool(1_GiB, 1, true));
}

TEST_P(FrozenPool, OfAGuestWhoseLimitAnotherToolRaisedIsRaisedByAnyResize) {
  auto& world = simulation.world;
  const DomainId id = add_frozen({.memory = 512_MiB});
  ASSERT_TRUE(world.mem_max(id, 2_GiB));
  ASSERT_TRUE(resize(id, 400_MiB));
  EXPECT_EQ(stored(id), libxl_pool(2_GiB, 1, true));
}

TEST_P(FrozenPool, ComesBackWithThePoolIfTheHostHasNoMemory) {
  const DomainId id = add_frozen();
  const Limits before = limits(id);
  const auto earlier = stored(id);
  const auto report = resize_with(host_is_taken(), id, 1_GiB);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().report->outcome, Outcome::refused) << report.error().message;
  EXPECT_EQ(limits(id), before);
  EXPECT_EQ(stored(id), earlier);
}

TEST_P(FrozenPool, StaysWithThePoolUnderAGuestThatGrew) {
  const DomainId id = add_frozen();
  const auto report = resize(id, 8_GiB, {.timeout = 500ms});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().report->outcome, Outcome::restored) << report.error().message;
  EXPECT_EQ(stored(id), libxl_pool(8_GiB, 1, true));
  EXPECT_EQ(stored(id), simulation.world.pool(id));
}

TEST_P(FrozenPool, ThatAnAdministratorMadeLargerMeanwhileStands) {
  const DomainId id = add_frozen();
  const auto report = resize_with(
      host_is_taken([id](World& world) { world.toolstack().find(id)->frozen_pool = 64_MiB; }), id,
      1_GiB);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().report->outcome, Outcome::refused);
  EXPECT_EQ(stored(id), 64_MiB);
}

TEST_P(FrozenPool, ThatAnAdministratorMadeLargeEnoughMeanwhileIsEnough) {
  const DomainId id = add_frozen();
  const auto report =
      resize_with({.kind = Fault::Kind::meanwhile,
                   .call = "set_frozen_pool",
                   .act = [id](World& world) { world.toolstack().find(id)->frozen_pool = 64_MiB; }},
                  id, 1_GiB);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(stored(id), 64_MiB);
}

TEST_P(FrozenPool, ThatAnotherToolMadeSmallerMeanwhileEndsTheResize) {
  const DomainId id = add_frozen();
  const auto report =
      resize_with({.kind = Fault::Kind::meanwhile,
                   .call = "set_frozen_pool",
                   .act = [id](World& world) { world.toolstack().find(id)->frozen_pool = 1_MiB; }},
                  id, 1_GiB);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::superseded);
  EXPECT_THAT(report.error().message, HasSubstr("the stored paging pool of guest to 1 MiB"));
  EXPECT_EQ(stored(id), 1_MiB);
  EXPECT_EQ(simulation.world.limit(id), 160_MiB);
}

TEST_P(FrozenPool, IsStoredOnceTheLockIsFreeAndNotWaitedForEver) {
  auto& world = simulation.world;
  const auto held = [&](DomainId id, host::Duration time) {
    return ResizeOptions{.on_event = [&world, id, time](const Event& event) {
      if (event.phase == Phase::reserve) world.hold_libxl_lock(id, time);
    }};
  };
  const DomainId soon = add_frozen({.name = "soon"});
  ASSERT_TRUE(resize(soon, 512_MiB, held(soon, 3s)));

  const DomainId never = add_frozen({.name = "never"});
  const Limits before = limits(never);
  const auto begun = simulation.now();
  const auto report = resize(never, 512_MiB, held(never, 1h));
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::stalled);
  EXPECT_EQ(report.error().report->outcome, Outcome::failed);
  EXPECT_LT(simulation.now() - begun, 1min);
  EXPECT_TRUE(journal_stands(never)) << "the call may still store it";
  world.advance(2h);
  const auto recovered =
      simulation.run(resize::recover(simulation.port(), identity(never), ResizeOptions{}));
  ASSERT_TRUE(recovered) << recovered.error().message;
  EXPECT_FALSE(journal_stands(never));
  EXPECT_EQ(world.limit(never), before.limit);
  EXPECT_EQ(world.max_pages(never), before.max_pages);
  EXPECT_LE(stored(never), world.pool(never));
}

TEST_P(FrozenPool, IsNotTouchedOnAReleaseOfXenThatTheLabHasNotShown) {
  test::Simulation newer{{.xen_minor = 18}};
  const DomainId id = newer.world.add_guest({.type = GetParam(), .freeze_pool = true});
  ResizeOperation operation{newer.port(), newer.world.toolstack().find(id)->identity, 1_GiB, {}};
  const auto report = newer.run(operation.run());
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::paging_pool);
  EXPECT_THAT(report.error().message, HasSubstr("memctl raises it on Xen 4.17 and 4.20 only"));
  EXPECT_EQ(newer.world.toolstack().find(id)->frozen_pool, libxl_pool(160_MiB, 1, true));
}

TEST_P(FrozenPool, OfADomainOfLibvirtIsLeftToLibvirt) {
  const DomainId id = add_frozen({.name = "web1", .maxmem = {}, .managed_by_libvirt = true});
  const auto report = resize(id, 1_GiB);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::paging_pool);
  EXPECT_THAT(report.error().message, HasSubstr("libvirt runs it"));
  EXPECT_THAT(report.error().hint, HasSubstr("virsh setmaxmem web1 SIZE --config"));
  EXPECT_EQ(stored(id), libxl_pool(160_MiB, 1, true));
  const auto status = simulation.run(status_of(simulation.port(), identity(id), {})).value();
  ASSERT_TRUE(status.range);
  EXPECT_EQ(status.range->largest.size, 160_MiB);
  EXPECT_EQ(status.range->largest.cause, Cause::paging_pool);
}

/// libvirt freezes a pool that would be enough for twice its own maximum.
TEST_P(FrozenPool, OfADomainOfLibvirtIsNoLeaveToPassLibvirtsMaximum) {
  const DomainId id = add_frozen(
      {.name = "web1", .pool = libxl_pool(320_MiB, 1, true), .managed_by_libvirt = true});
  const auto report = resize(id, 200_MiB);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().cause, Cause::paging_pool);
  EXPECT_THAT(report.error().message, HasSubstr("a maximum of its own, 160 MiB"));
}

}  // namespace
}  // namespace memctl::resize
