// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The facts that the port tells about a host and its domains.
#include <algorithm>

#include "plan/pool.hpp"
#include "port_fixture.hpp"

namespace memctl::contract {
namespace {

constexpr DomainId absent{31999};

class HostFactsTest : public PortTest {};
class AbsentDomainTest : public PortTest {};
class FactsTest : public GuestTest {};
MEMCTL_ON_EACH_GUEST(FactsTest);

TEST_F(HostFactsTest, AreConsistent) {
  const HostFacts host = xen().host_facts().value();
  EXPECT_GT(host.total, host.free);
  EXPECT_GT(host.available(), Pages{});
  EXPECT_LE(host.scrubbing, host.free);
  EXPECT_EQ(host.claimed, Pages{});
  EXPECT_GE(host.numa_nodes, 1);
  EXPECT_EQ(host.nodes.size(), host.numa_nodes > 1 ? std::size_t(host.numa_nodes) : 0U);
  Pages free;
  for (const HostNode& node : host.nodes) {
    EXPECT_LE(node.low, node.free);
    EXPECT_LE(node.free, node.total);
    free += node.free;
  }
  // Two calls of Xen, between which others may free or take some.
  if (host.numa_nodes > 1) {
    EXPECT_NEAR(double(free.count()), double(host.free.count()), 16384);
  }
  EXPECT_EQ(host.xen_major, 4);
  EXPECT_GE(host.xen_minor, 17);
}

/// The lab's dom0 has autoballoon off in its xl.conf, and dom0_mem on Xen's command line.
TEST_F(HostFactsTest, TellHowTheHostIsSetUp) {
  const HostSettings settings = xen().host_settings().value();
  EXPECT_TRUE(settings.autoballoon == Autoballoon::off || settings.autoballoon == Autoballoon::on);
  EXPECT_EQ(settings.dom0_memory_is_fixed, true);
  EXPECT_TRUE(settings.store == StoreProgram::xenstored ||
              settings.store == StoreProgram::oxenstored);
}

TEST_F(HostFactsTest, GuestsAreListedByNumberWithoutDom0) {
  const auto guests = run(xen().domains()).value();
  EXPECT_GE(guests.size(), test_host().guests.size());
  EXPECT_TRUE(std::ranges::is_sorted(guests, {}, &DomainIdentity::id));
  for (const auto& guest : guests) EXPECT_GT(number(guest.id), 0U);
}

TEST_F(AbsentDomainTest, EveryCallSaysSo) {
  EXPECT_TRUE(failed_with(run(xen().domain_facts(absent)), Cause::no_such_domain));
  EXPECT_TRUE(failed_with(xen().uuid(absent), Cause::no_such_domain));
  EXPECT_TRUE(failed_with(xen().domain_memory(absent), Cause::no_such_domain));
  EXPECT_TRUE(failed_with(run(xen().set_limit(absent, 1_GiB)), Cause::no_such_domain));
  EXPECT_TRUE(failed_with(run(xen().set_size(absent, 1_GiB)), Cause::no_such_domain));
  EXPECT_TRUE(failed_with(xen().set_max_pages(absent, 1_GiB), Cause::no_such_domain));
  EXPECT_TRUE(failed_with(xen().claim(absent, Pages{1000}), Cause::no_such_domain));
  EXPECT_TRUE(failed_with(xen().release_claim(absent), Cause::no_such_domain));
  EXPECT_TRUE(failed_with(xen().set_pool(absent, 1_MiB), Cause::no_such_domain));
  EXPECT_TRUE(failed_with(run(xen().set_frozen_pool(absent, {}, 4_MiB)), Cause::no_such_domain));
  EXPECT_TRUE(failed_with(xen().save_in_progress(absent, {}), Cause::no_such_domain));
}

TEST_P(FactsTest, IdentifyTheGuest) {
  EXPECT_EQ(before().identity.name, GetParam().name);
  EXPECT_EQ(before().identity.type, GetParam().type);
  EXPECT_EQ(stored(own("vm")), "/vm/" + before().identity.uuid);
  EXPECT_EQ(xen().uuid(id()).value(), before().identity.uuid);
  EXPECT_EQ(stored(own("name")), GetParam().name);
}

TEST_P(FactsTest, TellThatNoLibvirtRunsIt) { EXPECT_EQ(before().managed_by_libvirt, false); }

TEST_P(FactsTest, TellItsNodesOnAHostWithSeveral) {
  const HostFacts host = xen().host_facts().value();
  EXPECT_EQ(before().node_affinity.has_value(), host.numa_nodes > 1);
  EXPECT_NE(before().node_affinity, std::vector<int>{});
}

TEST_P(FactsTest, TellItsLimits) {
  EXPECT_EQ(before().vcpus, 1);
  EXPECT_EQ(stored(own("memory/target")), std::to_string(before().target.value().count()));
  EXPECT_EQ(stored(own("memory/static-max")), std::to_string(limit().count()));
  EXPECT_EQ(size(), limit());
  EXPECT_EQ(before().memory.max_pages, size() + 1_MiB);
  EXPECT_LE(to_kib(before().memory.allocated), before().memory.max_pages);
  EXPECT_GT(to_kib(before().memory.allocated), size() - 1_MiB);
  EXPECT_EQ(stored(own("memory/videoram")), std::to_string(before().video_ram.count()));
}

TEST_P(FactsTest, TellWhatLibxlStoredOfIt) {
  EXPECT_TRUE(before().has_stored_configuration);
  EXPECT_FALSE(before().in_shim);
  EXPECT_EQ(before().boot_limit, limit());
  EXPECT_EQ(before().frozen_pool, std::nullopt);
  EXPECT_EQ(before().passthrough_devices, 0);
  EXPECT_EQ(before().emulated_dma_devices, false);
}

TEST_P(FactsTest, HaveAPagingPoolUnlessTheDomainIsPv) {
  if (is_pv()) {
    EXPECT_EQ(before().hap, std::nullopt);
    EXPECT_EQ(before().pool, std::nullopt);
    EXPECT_EQ(before().pod_entries, std::nullopt);
    return;
  }
  ASSERT_TRUE(before().hap.has_value());
  EXPECT_EQ(before().pool, plan::pool_for(limit(), before().vcpus, before().hap.value()));
  EXPECT_EQ(before().pod_entries, Pages{0});
}

TEST_P(FactsTest, AgreeWithTheCheapOnes) {
  const DomainMemory memory = xen().domain_memory(id()).value();
  EXPECT_EQ(memory.allocated, before().memory.allocated);
  EXPECT_EQ(memory.max_pages, before().memory.max_pages);
  EXPECT_EQ(memory.claim, Pages{});
  EXPECT_FALSE(memory.paused);
  EXPECT_FALSE(memory.dying);
  EXPECT_EQ(memory.shutdown, ShutdownReason::none);
}

TEST_P(FactsTest, NoSaveIsInProgress) {
  EXPECT_EQ(xen().save_in_progress(id(), {}).value(), false);
}

}  // namespace
}  // namespace memctl::contract
