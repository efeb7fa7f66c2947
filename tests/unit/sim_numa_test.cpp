// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The simulated host's NUMA nodes.
#include <gtest/gtest.h>

#include "host/sim/numa_model.hpp"
#include "host/sim/world.hpp"

namespace memctl::host::sim {
namespace {

TEST(SimNuma, AHolderTakesFromItsOwnNodesThenFromOthersThenLowMemory) {
  NumaModel numa{2, Pages{800}};  // 100 of node 0's 400 are low
  EXPECT_EQ(numa.low(0), Pages{100});
  EXPECT_EQ(numa.low(1), Pages{});
  Holding mine;
  numa.take(mine, {0}, Pages{300});
  EXPECT_EQ(numa.free(0), Pages{100});
  EXPECT_EQ(numa.free(1), Pages{400});
  numa.take(mine, {0}, Pages{400});
  EXPECT_EQ(numa.free(0), Pages{100});
  EXPECT_EQ(numa.free(1), Pages{});
  numa.take(mine, {0}, Pages{100});
  EXPECT_EQ(numa.free(), Pages{});
}

TEST(SimNuma, WhatWasTakenLastIsGivenBackFirst) {
  NumaModel numa{2, Pages{800}};
  Holding mine;
  numa.take(mine, {1}, Pages{500});
  EXPECT_EQ(numa.free(0), Pages{300});
  numa.give(mine, {1}, Pages{150});
  EXPECT_EQ(numa.free(0), Pages{400});
  EXPECT_EQ(numa.free(1), Pages{50});
  numa.give(mine, {1}, Pages{350});
  EXPECT_EQ(numa.free(1), Pages{400});
}

TEST(SimNuma, SeveralOwnNodesGiveEqualPartsAsFarAsTheyCan) {
  NumaModel numa{3, Pages{1200}};
  Holding other;
  numa.take(other, {1}, Pages{350});
  Holding mine;
  numa.take(mine, {1, 2}, Pages{200});
  EXPECT_EQ(numa.free(1), Pages{});
  EXPECT_EQ(numa.free(2), Pages{250});
}

TEST(SimNuma, AGuestsPagesAndItsPoolComeFromItsNodes) {
  World world{{.host = 4_GiB, .numa_nodes = 2}};
  const DomainId id = world.add_guest({.name = "near", .memory = 512_MiB, .numa_nodes = {1}});
  const NumaModel& numa = world.xen().numa();
  EXPECT_EQ(numa.free(0), numa.total(0));
  EXPECT_EQ(to_kib(numa.total(1) - numa.free(1)), world.allocated(id) + world.pool(id));
  world.destroy(id);
  EXPECT_EQ(numa.free(1), numa.total(1));
  EXPECT_TRUE(world.xen().consistent());
}

}  // namespace
}  // namespace memctl::host::sim
