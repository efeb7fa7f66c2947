// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "agent/udev_rules.hpp"
#include "fake_guest.hpp"

namespace memctl::agent {
namespace {

constexpr const char* plain =
    R"(SUBSYSTEM=="memory", ACTION=="add", ATTR{state}=="offline", ATTR{state}="online")";

TEST(UdevRules, a_rule_that_sets_a_blocks_state_is_found) {
  EXPECT_EQ(read_rules(plain).action, RuleAction::online);
  EXPECT_EQ(read_rules(R"(ACTION=="add",SUBSYSTEM=="memory",ATTR{state}:="online_movable")").action,
            RuleAction::online_movable);
  EXPECT_EQ(read_rules(R"(SUBSYSTEM=="memory", ATTR{state} = "online_kernel")").action,
            RuleAction::online_kernel);
}

TEST(UdevRules, a_file_may_name_the_subsystem_once_and_work_the_state_out) {
  EXPECT_EQ(read_rules("# Memory hotadd\n"
                       "SUBSYSTEM!=\"memory\", GOTO=\"end\"\n"
                       "ENV{.state}=\"online\"\n"
                       "ATTR{state}==\"offline\", ATTR{state}=\"$env{.state}\"\n"
                       "LABEL=\"end\"\n")
                .action,
            RuleAction::other);
}

TEST(UdevRules, a_rule_may_run_over_lines_and_run_a_program) {
  EXPECT_EQ(read_rules("SUBSYSTEM==\"memory\", ACTION==\"add\", \\\n"
                       "  RUN+=\"/bin/sh -c 'echo online_movable > /sys$devpath/state'\"")
                .action,
            RuleAction::online_movable);
}

// udev_rules_parse_file in systemd's src/udev/udev-rules.c ignores it.
TEST(UdevRules, a_rule_that_the_files_end_cuts_off_does_not_count) {
  const std::string rule = R"(SUBSYSTEM=="memory", ATTR{state}="online" \)";
  EXPECT_EQ(read_rules(rule).action, std::nullopt);
  EXPECT_EQ(read_rules(rule + "\n# a comment\n").action, std::nullopt);
  EXPECT_EQ(read_rules(rule + "\n\n").action, RuleAction::online);
}

TEST(UdevRules, the_attribute_online_counts_as_well) {
  EXPECT_EQ(read_rules(R"(SUBSYSTEM=="memory", ACTION=="add", ATTR{online}=="0", ATTR{online}="1")")
                .action,
            RuleAction::online);
  EXPECT_EQ(read_rules(R"(SUBSYSTEM=="memory", ATTR{online}="$env{WANTED}")").action,
            RuleAction::other);
  EXPECT_EQ(read_rules(R"(SUBSYSTEM=="memory", ATTR{online}="0")").action, std::nullopt);
}

TEST(UdevRules, a_rule_may_match_the_blocks_name_or_path_or_nothing) {
  for (const char* match :
       {R"(KERNEL=="memory*", )", R"(KERNEL=="memory[0-9]*", )", R"(KERNEL=="memory40", )",
        R"(DEVPATH=="/devices/system/memory/memory[0-9]*", )", R"(SUBSYSTEM=="mem*|cpu", )",
        R"(SUBSYSTEMS=="memory", )", R"(SUBSYSTEM!="cpu", )", R"(SUBSYSTEM==i"memory", )",
        R"(ENV{ID-X}=="1", )", ""}) {
    EXPECT_EQ(read_rules(match + std::string{R"(ATTR{state}="online")"}).action, RuleAction::online)
        << match;
  }
  for (const char* match :
       {R"(KERNEL=="cpu[0-9]*", )", R"(DEVPATH=="/devices/system/cpu/cpu[0-9]*", )",
        R"(SUBSYSTEM!="memory", )", R"(SUBSYSTEM=="cpu|net", )", R"(ACTION=="remove", )",
        R"(SUBSYSTEM=="memory", ACTION!="add|change", )",
        R"(SUBSYSTEM=="memory", ATTR{state}=="online", )"}) {
    EXPECT_EQ(read_rules(match + std::string{R"(ATTR{online}="1", ATTR{state}="online")"}).action,
              std::nullopt)
        << match;
  }
}

TEST(UdevRules, a_program_that_brings_blocks_online_counts) {
  for (const char* rule :
       {R"(SUBSYSTEM=="memory", PROGRAM="/bin/sh -c 'echo online > /sys$devpath/state'")",
        R"(SUBSYSTEM=="memory", PROGRAM=="/bin/sh -c 'echo online > /sys%p/state'", TAG+="x")",
        R"(SUBSYSTEM=="memory", IMPORT{program}="/bin/sh -c 'echo online >/sys$devpath/state'")",
        R"(KERNEL=="memory*", RUN{program}+="/bin/sh -c 'echo 1 > /sys$devpath/online'")",
        R"(KERNEL=="memory*", RUN+="/bin/sh -c 'echo online | tee /sys$devpath/state'")",
        R"(SUBSYSTEM=="memory", RUN+="/usr/bin/chmem -e -b 8")"}) {
    EXPECT_EQ(read_rules(rule).action, RuleAction::online) << rule;
  }
  EXPECT_EQ(read_rules(R"(SUBSYSTEM=="memory", RUN+="chmem --enable --zone Movable 1g")").action,
            RuleAction::online_movable);
}

TEST(UdevRules, a_script_that_brings_blocks_online_counts) {
  const test::TemporaryDirectory directory;
  const test::FakeGuest guest{directory.path()};
  const auto with = [&](const std::string& run, const char* script) {
    guest.set("etc/udev/rules.d/50-x.rules", "SUBSYSTEM==\"memory\", RUN+=\"" + run + "\"");
    guest.set("opt/hotadd", script);
    guest.set("usr/lib/udev/hotadd", script);
    const auto found = find_udev_rule(guest.root());
    return found ? std::optional{found->action} : std::nullopt;
  };
  constexpr const char* script =
      "#!/bin/sh\n# online_movable was wrong\n"
      "state=/sys$1/state\n  echo online_kernel > \"$state\"\n";
  for (const char* run : {"/opt/hotadd $devpath", "hotadd $devpath", "/bin/sh /opt/hotadd",
                          "/bin/sh -c '/opt/hotadd $devpath'"}) {
    EXPECT_EQ(with(run, script), RuleAction::online_kernel) << run;
  }
  // What restarts kdump when memory comes and goes.
  EXPECT_EQ(with("/opt/hotadd", "#!/bin/sh\nsystemctl try-restart kdump # online\n"), std::nullopt);
  EXPECT_EQ(with("/opt/hotadd",
                 "\x7f"
                 "ELF echo online > state"),
            std::nullopt);
  EXPECT_EQ(with("/opt/missing", script), std::nullopt);
}

/// As the files of Hyper-V's and Red Hat's guests are made up.
TEST(UdevRules, a_file_may_jump_to_its_rules) {
  EXPECT_EQ(read_rules("# Processors and memory that come while the guest runs\n"
                       "ATTR{[dmi/id]sys_vendor}==\"Xen\", GOTO=\"hotadd\"\n"
                       "GOTO=\"hotadd_end\"\n"
                       "\n"
                       "LABEL=\"hotadd\"\n"
                       "SUBSYSTEM==\"memory\", ACTION==\"add\", \\\n"
                       "# a comment between\n"
                       "  DEVPATH==\"/devices/system/memory/memory[0-9]*\", \\\n"
                       "  TEST==\"state\", ATTR{state}!=\"online\", ATTR{state}=\"online\"\n"
                       "SUBSYSTEM==\"cpu\", TEST==\"online\", ATTR{online}!=\"1\", "
                       "ATTR{online}=\"1\"\n"
                       "LABEL=\"hotadd_end\"\n")
                .action,
            RuleAction::online);
  EXPECT_EQ(read_rules("SUBSYSTEM!=\"memory\", GOTO=\"end\"\n"
                       "ACTION!=\"add\", GOTO=\"end\"\n"
                       "PROGRAM=\"/bin/uname -m\", RESULT==\"s390*\", GOTO=\"end\"\n"
                       "ENV{WANTED}=\"online\"\n"
                       "ATTR{state}==\"offline\", ATTR{state}=\"$env{WANTED}\"\n"
                       "LABEL=\"end\"\n")
                .action,
            RuleAction::other);
  // Rules that no memory block comes to.
  EXPECT_EQ(read_rules("SUBSYSTEM==\"memory\", GOTO=\"end\"\n"
                       "ATTR{online}=\"1\"\n"
                       "LABEL=\"end\"\n")
                .action,
            std::nullopt);
}

TEST(UdevRules, after_the_first_rule_for_the_kernel_no_other_counts) {
  constexpr const char* mend =
      R"(SUBSYSTEM=="memory", ACTION=="add", ATTR{state}=="offline", ATTR{state}="online_kernel")";
  EXPECT_TRUE(read_rules(mend).settled);
  EXPECT_FALSE(read_rules(plain).settled);
  EXPECT_FALSE(read_rules("ENV{X}==\"1\", " + std::string{mend}).settled);
  const test::TemporaryDirectory directory;
  const test::FakeGuest guest{directory.path()};
  guest.set("usr/lib/udev/rules.d/40-redhat.rules",
            R"(SUBSYSTEM=="memory", ATTR{state}="online_movable")");
  EXPECT_EQ(find_udev_rule(guest.root())->action, RuleAction::online_movable);
  guest.set("etc/udev/rules.d/00-memctl.rules", mend);
  EXPECT_EQ(find_udev_rule(guest.root())->file, "/etc/udev/rules.d/00-memctl.rules");
  EXPECT_EQ(find_udev_rule(guest.root())->action, RuleAction::online_kernel);
  guest.set("lib/udev/rules.d/00-before.rules",
            R"(SUBSYSTEM=="memory", ATTR{state}="online_movable")");
  EXPECT_EQ(find_udev_rule(guest.root())->action, RuleAction::online_movable);
}

TEST(UdevRules, a_program_may_come_too_late_or_do_nothing) {
  constexpr const char* writes = R"("/bin/sh -c 'echo online_kernel > /sys$devpath/state'")";
  for (const char* key : {"RUN+=", "PROGRAM=", "IMPORT{program}=",
                          "ATTR{state}==\"offline\", ATTR{state}-=\"online_kernel\", RUN+=",
                          "ATTR{state}=\"offline\", RUN+="}) {
    const auto rules =
        read_rules(R"(SUBSYSTEM=="memory", ACTION=="add", )" + std::string{key} + writes);
    EXPECT_EQ(rules.action, RuleAction::online_kernel) << key;
    EXPECT_FALSE(rules.settled) << key;
  }
  const test::TemporaryDirectory directory;
  const test::FakeGuest guest{directory.path()};
  guest.set("etc/udev/rules.d/10-a.rules",
            R"(SUBSYSTEM=="memory", ACTION=="add", RUN+=)" + std::string{writes});
  guest.set("etc/udev/rules.d/40-b.rules", R"(SUBSYSTEM=="memory", ATTR{state}="online_movable")");
  EXPECT_EQ(find_udev_rule(guest.root())->action, RuleAction::online_movable);
  EXPECT_EQ(find_udev_rule(guest.root())->file, "/etc/udev/rules.d/40-b.rules");
}

TEST(UdevRules, a_rule_that_may_be_jumped_over_is_not_sure) {
  constexpr const char* kernel = "SUBSYSTEM==\"memory\", ATTR{state}=\"online_kernel\"\n";
  const std::string may_jump = "PROGRAM=\"/bin/uname -m\", RESULT==\"s390*\", GOTO=\"end\"\n";
  const std::string over = may_jump + kernel + "LABEL=\"end\"\n";
  EXPECT_EQ(read_rules(over).action, RuleAction::online_kernel);
  EXPECT_FALSE(read_rules(over).settled);
  EXPECT_TRUE(read_rules(over + kernel).settled) << "whoever jumped has arrived";
  EXPECT_FALSE(read_rules(may_jump + "GOTO=\"here\"\nLABEL=\"here\"\n" + kernel).settled);
  EXPECT_TRUE(read_rules("SUBSYSTEM==\"cpu\", GOTO=\"end\"\n" + std::string{kernel}).settled);
  EXPECT_FALSE(read_rules("KERNEL==\"memory32\", GOTO=\"end\"\n" + std::string{kernel}).settled);
  const test::TemporaryDirectory directory;
  const test::FakeGuest guest{directory.path()};
  guest.set("etc/udev/rules.d/10-a.rules", over);
  guest.set("etc/udev/rules.d/40-b.rules", R"(SUBSYSTEM=="memory", ATTR{state}="online_movable")");
  EXPECT_EQ(find_udev_rule(guest.root())->action, RuleAction::online_movable);
}

TEST(UdevRules, a_rule_for_one_block_is_not_sure) {
  for (const char* match :
       {R"(KERNEL=="memory32")", R"(KERNEL=="mem*2")", R"(KERNEL!="memory32")",
        R"(KERNEL=="memory[0-9][0-9]")", R"(DEVPATH=="/devices/system/memory/memory32")"}) {
    const auto rules = read_rules(match + std::string{R"(, ATTR{state}="online_kernel")"});
    EXPECT_EQ(rules.action, RuleAction::online_kernel) << match;
    EXPECT_FALSE(rules.settled) << match;
  }
  EXPECT_TRUE(read_rules(R"(KERNEL=="memory[0-9]*", ATTR{state}="online_kernel")").settled);
}

TEST(UdevRules, other_rules_do_not_count) {
  for (const char* text :
       {"", "\\", "\"", R"(SUBSYSTEM=="memory", ATTR{state}=="online", TAG+="x")",
        R"(SUBSYSTEM=="cpu", ACTION=="add", ATTR{state}="online")",
        R"(SUBSYSTEM=="memory", ATTR{state}="offline")",
        R"(#SUBSYSTEM=="memory", ATTR{state}="online")",
        R"(SUBSYSTEM=="memory", ATTR{state}="online)", R"(SUBSYSTEM=="memory", ATTR{state}=")",
        R"(SUBSYSTEM=="memory", RUN+="/bin/true online")", R"(SUBSYSTEM=="memory",,,=="")"}) {
    EXPECT_EQ(read_rules(text).action, std::nullopt) << text;
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

/// The bytes that this thread has read so far, as the kernel counts them. Nothing: it does not.
std::optional<std::uint64_t> bytes_read() {
  std::ifstream io{"/proc/thread-self/io"};
  std::string name;
  std::uint64_t bytes{};
  return io >> name >> bytes ? std::optional{bytes} : std::nullopt;
}

TEST(UdevRules, programs_and_the_kernels_files_are_not_read) {
  const test::TemporaryDirectory directory;
  const test::FakeGuest guest{directory.path()};
  constexpr const char* script = "#!/bin/sh\necho online > $1/state\n";
  std::string command;
  for (const char* file : {"sys/x", "proc/x", "dev/x"}) {
    guest.set(file, script);
    command += std::string{" /"} + file;
  }
  ASSERT_EQ(::mkfifo((directory.path() / "fifo").c_str(), 0600), 0);
  guest.set("etc/udev/rules.d/50-x.rules", "RUN+=\"/fifo" + command + "\"");
  EXPECT_FALSE(find_udev_rule(guest.root()));
  command.clear();
  for (int i = 0; i < 50; ++i) {
    const std::string program = "bin/p" + std::to_string(i);
    guest.set(program,
              "\x7f"
              "ELF" +
                  std::string(1 << 17, 'x'));
    command += " /" + program;
  }
  guest.set("etc/udev/rules.d/50-x.rules", "RUN+=\"" + command + "\"");
  const auto before = bytes_read();
  EXPECT_FALSE(find_udev_rule(guest.root()));
  const auto after = bytes_read();
  if (!before || !after) GTEST_SKIP() << "this kernel does not count what a thread reads";
  EXPECT_LT(*after - *before, 10'000U);
}

TEST(UdevRules, a_script_that_many_rules_name_counts_as_one) {
  const test::TemporaryDirectory directory;
  const test::FakeGuest guest{directory.path()};
  guest.set("opt/net", "#!/bin/sh\nexit 0\n");
  guest.set("opt/memory", "#!/bin/sh\necho online_movable > $1/state\n");
  std::string rules;
  for (int i = 0; i < 300; ++i) rules += "RUN+=\"/opt/net " + std::to_string(i) + "\"\n";
  guest.set("etc/udev/rules.d/50-x.rules", rules + "RUN+=\"/opt/memory\"\n");
  const auto found = find_udev_rule(guest.root());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->action, RuleAction::online_movable);
}

TEST(UdevRules, a_rule_of_many_terms_takes_time_for_each_once) {
  std::string rule;
  for (int i = 0; i < 1'000'000; ++i) rule += R"(A="",)";
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(read_rules(rule).action, std::nullopt);
  // To look through the rest of the rule for each term would take minutes.
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds{15});
}

}  // namespace
}  // namespace memctl::agent
