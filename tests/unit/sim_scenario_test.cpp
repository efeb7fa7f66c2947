// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <fstream>
#include <string>

#include "host/sim/connection.hpp"
#include "host/sim/scenario.hpp"

namespace memctl::host::sim {
namespace {

using namespace std::chrono_literals;

TEST(Scenario, TheDefaultIsAHostOf64GiBWithThreeGuests) {
  boost::asio::io_context context;
  const auto connection = connect("", context).value();
  auto& world = dynamic_cast<SimConnection&>(*connection).world();
  EXPECT_EQ(to_kib(world.xen().total()), 64_GiB);
  EXPECT_EQ(world.running().size(), 3U);
  EXPECT_EQ(world.guest("demo-pv").spec().type, DomainType::pv);
  EXPECT_EQ(world.guest("demo-pvh").spec().type, DomainType::pvh);
  EXPECT_EQ(world.guest("demo-hvm").spec().type, DomainType::hvm);
  EXPECT_EQ(world.allocated(world.guest("demo-hvm").id()), 1_GiB);
}

TEST(Scenario, AFileDescribesAWorldAndWhatHappensInIt) {
  const auto scenario = parse_scenario(R"({
    // comments are allowed
    "host": "8GiB", "xen_minor": 22, "seed": 3, "pace": 10,
    "guests": [{"name": "web1", "type": "pv", "memory": "512MiB", "maxmem": "1GiB",
                "agent": "killed", "online_policy": "online_kernel", "agent_latency": 0.5,
                "report_latency": 0.25}],
    "actions": [{"at": 1.5, "do": "mem-set", "guest": "web1", "size": "600MiB"},
                {"at": 60, "do": "take-host-memory", "size": "1GiB"},
                {"at": 70, "do": "destroy", "guest": "web1"},
                {"at": 80, "do": "pause", "guest": "web1"}]
  })");
  ASSERT_TRUE(scenario) << scenario.error().message;
  EXPECT_EQ(scenario.value().pace, 10.0);
  const auto world = make_world(scenario.value()).value();
  EXPECT_EQ(world->spec().xen_minor, 22);
  Guest& guest = world->guest("web1");
  EXPECT_EQ(guest.spec().agent.conduct, AgentConduct::killed);
  EXPECT_EQ(guest.spec().agent.latency, 500ms);
  EXPECT_EQ(guest.spec().agent.report_latency, 250ms);
  world->advance(30s);
  EXPECT_EQ(world->allocated(guest.id()), 600_MiB);
  world->advance(35s);
  EXPECT_EQ(world->host_free(), 8_GiB - 600_MiB - 1_GiB);
  world->advance(60s);
  EXPECT_TRUE(world->running().empty());
}

TEST(Scenario, AGuestCanHaveAKernelOf32Bits) {
  const auto guest = parse_guest(R"({"name": "old", "bits": 32, "boot_time": 3})");
  ASSERT_TRUE(guest) << guest.error().message;
  const LinuxSpec& kernel = guest.value().linux;
  EXPECT_TRUE(kernel.has_32_bits());
  EXPECT_EQ(kernel.block_size, 512_MiB);
  EXPECT_EQ(kernel.kernel_release, "4.12.14-sim-686-pae");
  EXPECT_EQ(kernel.boot, 3s);
  const auto newer = parse_guest(R"({"name": "a", "bits": 32, "kernel_release": "5.4.0"})");
  EXPECT_EQ(newer.value().linux.kernel_release, "5.4.0");
  EXPECT_FALSE(parse_guest(R"({"name": "a", "bits": 64})").value().linux.has_32_bits());
}

struct BadCase {
  const char* json;
  const char* message;
  const char* hint;
};

class BadScenario : public testing::TestWithParam<BadCase> {};

TEST_P(BadScenario, IsRefusedInOneLineThatNamesThePlaceAndWhatIsAllowed) {
  const auto result = parse_scenario(GetParam().json);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message.find('\n'), std::string::npos);
  EXPECT_NE(result.error().message.find(GetParam().message), std::string::npos)
      << result.error().message;
  EXPECT_NE(result.error().hint.find(GetParam().hint), std::string::npos) << result.error().hint;
}

INSTANTIATE_TEST_SUITE_P(
    Files, BadScenario,
    testing::Values(
        BadCase{"{", "no JSON", "bracket"}, BadCase{"[]", "no object", "{...}"},
        BadCase{R"({"hots": "1GiB"})", "hots is unknown", "host, dom0"},
        BadCase{R"({"host": 5})", "host is no size", "4GiB"},
        BadCase{R"({"host": "+5g"})", "host is no size", "4GiB"},
        BadCase{R"({"pace": 0})", "pace is no number from 0.001 to 1000000", "1"},
        BadCase{R"({"pace": 1e-300})", "pace is no number from", "1"},
        BadCase{R"({"pace": 1e300})", "pace is no number from", "1"},
        BadCase{R"({"pace": 1e999})", "no JSON", "bracket"},
        BadCase{R"({"actions": [{"at": 1e300, "do": "pause", "guest": "a"}]})", "at is no time",
                "seconds"},
        BadCase{R"({"xen_minor": 18446744073709551615})", "xen_minor is no number", "whole"},
        BadCase{R"({"host": "99999999999999999999999TiB"})", "host is no size", "4GiB"},
        BadCase{R"({"guests": [{"name": "a\u0000b"}]})", "guests[0].name is no text", "shorten"},
        BadCase{"{\"a\nb\\n\": 1}", "no JSON", "bracket"},
        BadCase{R"({"a\nb": 1})", "a?b is unknown", "host, dom0"},
        BadCase{R"({"guests": [{"name": "a", "type": "\u001b[2J"}]})", "type is \"?[2J\"", "pv"},
        BadCase{R"({"seed": -1})", "seed is no number", "whole"},
        BadCase{R"({"guests": {}})", "guests is no list", "[...]"},
        BadCase{R"({"guests": [{}]})", "guests[0].name is missing", "add"},
        BadCase{R"({"guests": [{"name": "a", "type": "x"}]})", "guests[0].type is \"x\"",
                "pv, pvh, hvm"},
        BadCase{R"({"guests": [{"name": "a", "memory": "1MiB"}]})", "memory is too small", "64MiB"},
        BadCase{R"({"numa_nodes": 0})", "numa_nodes is not from 1 to 64", "1 or 2"},
        BadCase{R"({"numa_nodes": 65})", "numa_nodes is not from 1 to 64", "1 or 2"},
        BadCase{R"({"guests": [{"name": "a", "numa_nodes": 1}]})", "numa_nodes is no list",
                "[...]"},
        BadCase{R"({"guests": [{"name": "a", "numa_nodes": [64]}]})",
                "guests[0].numa_nodes[0] is no node", "0 to 63"},
        BadCase{R"({"numa_nodes": 2, "guests": [{"name": "a", "numa_nodes": [0, 2]}]})",
                "the host has no node 2, which \"a\" names", "numbered from 0"},
        BadCase{R"({"guests": [{"name": "a", "type": "pv", "in_shim": true}]})",
                "in_shim needs a pvh guest", "shim"},
        BadCase{R"({"guests": [{"name": "a", "hotplug": 1}]})", "neither true nor false", "true"},
        BadCase{R"({"guests": [{"name": "a", "bits": 16}]})", "bits is neither 64 nor 32", "64 or"},
        BadCase{R"({"guests": [{"name": "a", "bits": 32, "block_size": "128MiB"}]})",
                "block_size is not that of a 32-bit kernel", "512MiB"},
        BadCase{R"({"guests": [{"name": "a", "bits": 32, "maxmem": "64GiB"}]})",
                "memory is too much", "63GiB"},
        BadCase{R"({"guests": [{"name": "a"}, {"name": "a"}]})", "two guests", "own name"},
        BadCase{R"({"actions": [{"at": 1, "do": "dance"}]})", "actions[0].do is \"dance\"",
                "mem-set"},
        BadCase{R"({"actions": [{"at": 1, "do": "pause"}]})", "actions[0].guest is missing", "add"},
        BadCase{R"({"actions": [{"at": 1, "do": "pause", "guest": "b"}]})",
                "no guest is called \"b\"", "guests"},
        BadCase{R"({"actions": [{"at": "now", "do": "pause"}]})", "actions[0].at is no time",
                "seconds"}));

TEST(Scenario, OfAnySizeOrDepthIsReadOrRefused) {
  const auto refused = [](const std::string& json) { return !parse_scenario(json).has_value(); };
  EXPECT_TRUE(refused(std::string(200'000, '[')));
  EXPECT_TRUE(
      refused(R"({"guests":)" + std::string(200'000, '[') + std::string(200'000, ']') + "}"));
  const std::string name(2049, 'x');
  EXPECT_TRUE(refused(R"({"guests": [{"name": ")" + name + "\"}]}"));
  EXPECT_TRUE(refused(R"({"guests": [{"name": "a", "journal": ")" + name + "\"}]}"));
  std::string guests;
  for (int i = 0; i < 16385; ++i) guests += (i == 0 ? "{" : ",{") + std::string{"}"};
  const auto many = parse_scenario(R"({"guests": [)" + guests + "]}");
  ASSERT_FALSE(many);
  EXPECT_NE(many.error().message.find("more than 16384"), std::string::npos);
}

TEST(Scenario, TheLongestNameAndRecordOfAGuestMakeAWorld) {
  const std::string text(2048, 'x');
  const auto scenario =
      parse_scenario(R"({"guests": [{"name": ")" + text + R"(", "journal": ")" + text + "\"}]}");
  ASSERT_TRUE(scenario) << scenario.error().message;
  EXPECT_TRUE(make_world(scenario.value()));
}

TEST(Scenario, AGuestThatDoesNotFitAfterItsRebootIsGone) {
  for (const char* at : {"0", "1"}) {
    const auto scenario = parse_scenario(
        R"({"host": "1GiB", "guests": [{"name": "a", "memory": "512MiB"}],
            "actions": [{"at": 0, "do": "mem-max", "guest": "a", "size": "2GiB"},
                        {"at": 0, "do": "mem-set", "guest": "a", "size": "2GiB"},
                        {"at": )" +
        std::string{at} + R"(, "do": "reboot", "guest": "a"}]})");
    ASSERT_TRUE(scenario) << scenario.error().message;
    const auto world = make_world(scenario.value());
    ASSERT_TRUE(world);
    world.value()->advance(2s);
    EXPECT_TRUE(world.value()->running().empty());
    EXPECT_EQ(world.value()->host_free(), 1_GiB);
  }
}

TEST(ScenarioFile, ThatIsTooLargeIsNamed) {
  boost::asio::io_context context;
  const auto result = connect("/dev/zero", context);
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message.find("larger than 1 MiB"), std::string::npos);
}

TEST(ScenarioFile, ThatIsMissingIsNamed) {
  boost::asio::io_context context;
  const auto result = connect("/nowhere/at/all.json", context);
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message.find("/nowhere/at/all.json"), std::string::npos);
}

TEST(ScenarioFile, GuestsThatDoNotFitAreHostMemory) {
  const auto scenario = parse_scenario(
      R"({"host": "1GiB", "guests": [{"name": "a", "memory": "600MiB"},
                                     {"name": "b", "memory": "600MiB"}]})");
  const auto world = make_world(scenario.value());
  ASSERT_FALSE(world);
  EXPECT_EQ(world.error().cause, Cause::host_memory);
}

}  // namespace
}  // namespace memctl::host::sim
