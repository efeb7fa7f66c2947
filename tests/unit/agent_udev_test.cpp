// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "agent/udev_rules.hpp"
#include "fake_guest.hpp"

namespace memctl::agent {
namespace {

constexpr const char* plain =
    R"(SUBSYSTEM=="memory", ACTION=="add", ATTR{state}=="offline", ATTR{state}="online")";

TEST(UdevRules, a_rule_that_sets_a_blocks_state_is_found) {
  EXPECT_EQ(action_of_rules(plain), RuleAction::online);
  EXPECT_EQ(action_of_rules(R"(ACTION=="add",SUBSYSTEM=="memory",ATTR{state}:="online_movable")"),
            RuleAction::online_movable);
  EXPECT_EQ(action_of_rules(R"(SUBSYSTEM=="memory", ATTR{state} = "online_kernel")"),
            RuleAction::online_kernel);
}

TEST(UdevRules, a_file_may_name_the_subsystem_once_and_work_the_state_out) {
  EXPECT_EQ(action_of_rules("# Memory hotadd\n"
                            "SUBSYSTEM!=\"memory\", GOTO=\"end\"\n"
                            "ENV{.state}=\"online\"\n"
                            "ATTR{state}==\"offline\", ATTR{state}=\"$env{.state}\"\n"
                            "LABEL=\"end\"\n"),
            RuleAction::other);
}

TEST(UdevRules, a_rule_may_run_over_lines_and_run_a_program) {
  EXPECT_EQ(action_of_rules("SUBSYSTEM==\"memory\", ACTION==\"add\", \\\n"
                            "  RUN+=\"/bin/sh -c 'echo online_movable > /sys$devpath/state'\""),
            RuleAction::online_movable);
}

TEST(UdevRules, other_rules_do_not_count) {
  for (const char* text :
       {"", "\\", "\"", R"(SUBSYSTEM=="memory", ATTR{state}=="online", TAG+="x")",
        R"(SUBSYSTEM=="cpu", ACTION=="add", ATTR{state}="online")",
        R"(SUBSYSTEM=="memory", ATTR{state}="offline")",
        R"(#SUBSYSTEM=="memory", ATTR{state}="online")",
        R"(SUBSYSTEM=="memory", ATTR{state}="online)", R"(SUBSYSTEM=="memory", ATTR{state}=")",
        R"(SUBSYSTEM=="memory", RUN+="/bin/true online")", R"(SUBSYSTEM=="memory",,,=="")"}) {
    EXPECT_EQ(action_of_rules(text), std::nullopt) << text;
  }
}

TEST(UdevRules, the_most_important_of_several_rules_is_named) {
  const test::TemporaryDirectory directory;
  const test::FakeGuest guest{directory.path()};
  EXPECT_FALSE(find_udev_rule(guest.root()));
  guest.set("lib/udev/rules.d/40-vm-hotadd.rules", plain);
  guest.set("etc/udev/rules.d/README", plain);
  EXPECT_EQ(find_udev_rule(guest.root())->file, "/lib/udev/rules.d/40-vm-hotadd.rules");
  guest.set("run/udev/rules.d/90-own.rules",
            R"(SUBSYSTEM=="memory", ATTR{state}="online_movable")");
  EXPECT_EQ(find_udev_rule(guest.root())->file, "/run/udev/rules.d/90-own.rules");
  EXPECT_EQ(find_udev_rule(guest.root())->action, RuleAction::online_movable);
}

TEST(UdevRules, a_rule_that_is_switched_off_in_etc_does_not_count) {
  const test::TemporaryDirectory directory;
  const test::FakeGuest guest{directory.path()};
  guest.set("usr/lib/udev/rules.d/40-redhat.rules", plain);
  ASSERT_TRUE(find_udev_rule(guest.root()));
  guest.set("etc/udev/rules.d/x", "");
  std::filesystem::create_symlink("/dev/null",
                                  directory.path() / "etc/udev/rules.d/40-redhat.rules");
  EXPECT_FALSE(find_udev_rule(guest.root()));
}

TEST(UdevRules, files_without_end_are_not_read) {
  const test::TemporaryDirectory directory;
  const test::FakeGuest guest{directory.path()};
  guest.set("etc/udev/rules.d/large.rules", plain + std::string(1 << 17, '\n'));
  EXPECT_FALSE(find_udev_rule(guest.root()));
}

}  // namespace
}  // namespace memctl::agent
