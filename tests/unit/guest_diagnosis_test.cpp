// SPDX-License-Identifier: LGPL-2.1-or-later
#include "diagnosis_fixture.hpp"

namespace memctl::plan {
namespace {

using testing::HasSubstr;

TEST(GuestDiagnosis, WithoutAnAgentTheRestIsNotKnown) {
  DomainExam exam = sound_domain();
  exam.facts.guest.reset();
  exam.hello.reset();
  const auto findings = diagnose_guest(exam);
  expect(findings.front(), Severity::bad, "no memctl-agent answers",
         "systemctl enable --now memctl-agent");
  for (std::size_t i = 1; i < findings.size(); ++i) {
    EXPECT_EQ(findings[i].severity, Severity::unknown) << name(findings[i].check);
  }
  EXPECT_EQ(findings.size(), diagnose_guest(sound_domain()).size());
  exam.facts.domain.memory.paused = true;
  EXPECT_EQ(found(diagnose_guest(exam), Check::agent).severity, Severity::unknown);
}

TEST(GuestDiagnosis, AnAgentThatDoesNotAnswer) {
  DomainExam exam = sound_domain();
  exam.facts.guest.reset();
  exam.agent_error = Error{.cause = Cause::agent_absent, .message = "has not answered for 5 s"};
  expect(found(diagnose_guest(exam), Check::agent), Severity::bad, "5 s", "systemctl restart");
  EXPECT_EQ(found(diagnose_guest(exam), Check::agent_version).severity, Severity::good);
}

TEST(GuestDiagnosis, AnAgentOfAnotherVersion) {
  expect(on_guest(Check::agent_version, [](auto& hello, auto&) { hello.agent_version = "0.0.9"; }),
         Severity::note, "0.0.9", "version 0.1.0");
  const auto packaged =
      on_guest(Check::agent_version, [](auto& hello, auto&) { hello.agent_version = "0.1.0-2"; });
  EXPECT_EQ(packaged.severity, Severity::good);
  DomainExam exam = sound_domain();
  exam.facts.guest.reset();
  exam.agent_error = Error{.cause = Cause::agent_incompatible, .message = "speaks protocol 7"};
  expect(found(diagnose_guest(exam), Check::agent_version), Severity::bad, "7", "install");
  expect(found(diagnose_guest(exam), Check::agent), Severity::bad, "no protocol", "install");
}

TEST(GuestDiagnosis, AKernelWithoutHotplug) {
  const auto finding = on_guest(Check::hotplug, [](auto& hello, auto&) {
    hello.hotplug = false;
    hello.no_hotplug_reason = "no balloon";
  });
  expect(finding, Severity::bad, "no balloon", "CONFIG_XEN_BALLOON_MEMORY_HOTPLUG");
}

TEST(GuestDiagnosis, KernelsThatAreKnownToBeBad) {
  const auto with = [](const char* release) {
    return on_guest(Check::kernel, [&](auto& hello, auto&) { hello.kernel_release = release; });
  };
  expect(with("5.10.70"), Severity::bad, "spins", "newer kernel");
  expect(with("5.10.46-amd64"), Severity::bad, "past 4 GiB", "5.10.112 or newer");
  expect(with("linux"), Severity::bad, "\"linux\"", "5.10.112 or newer");
  DomainExam large = sound_domain();
  large.facts.domain.boot_limit = large.facts.domain.target = 8_GiB;
  large.facts.domain.memory.allocated = to_pages(8_GiB);
  large.facts.guest->hello.kernel_release = "5.15.10";
  expect(found(diagnose_guest(large), Check::kernel), Severity::note, "movable",
         "5.10.112 or newer");
}

TEST(GuestDiagnosis, OnlinePolicy) {
  const auto with = [](const char* policy) {
    return on_guest(Check::online_policy,
                    [&](auto& hello, auto&) { hello.online_policy = policy; });
  };
  // Now, and at each boot.
  constexpr auto mend =
      "in the guest: echo 'w /sys/devices/system/memory/auto_online_blocks - - - - online_kernel' "
      "> /etc/tmpfiles.d/memctl.conf && systemd-tmpfiles --create /etc/tmpfiles.d/memctl.conf "
      "&& systemctl restart memctl-agent";
  EXPECT_EQ(with("online_movable").remedy, mend);
  expect(with("online_movable"), Severity::note, "online_movable", "tmpfiles.d");
  EXPECT_EQ(with("online").remedy, mend);
  expect(with(""), Severity::unknown, "tells none", "");
  EXPECT_EQ(with("online_kernel").severity, Severity::good);
  const Finding old = on_guest(Check::online_policy, [](auto& hello, auto&) {
    hello.online_policy = "online";
    hello.kernel_release = "5.4.0-200-generic";
  });
  EXPECT_EQ(old.severity, Severity::note);
  EXPECT_EQ(old.remedy, "") << "that kernel does not know online_kernel as a policy";
}

TEST(GuestDiagnosis, UdevRules) {
  const auto with = [](std::optional<std::string> rule, RuleAction action) {
    return on_guest(Check::udev_rule, [&](auto& hello, auto&) {
      hello.udev_rule = rule;
      hello.udev_rule_action = action;
    });
  };
  // The file stays as it is: it may have rules for processors, too.
  constexpr auto mend =
      "in the guest: echo 'SUBSYSTEM==\"memory\", ACTION==\"add\", ATTR{state}==\"offline\", "
      "ATTR{state}=\"online_kernel\"' > /etc/udev/rules.d/00-memctl.rules "
      "&& udevadm control --reload && systemctl restart memctl-agent";
  const auto hotadd = with("/lib/udev/rules.d/40-vm-hotadd.rules", RuleAction::online);
  expect(hotadd, Severity::note, "40-vm-hotadd", "00-memctl.rules");
  EXPECT_EQ(hotadd.remedy, mend);
  EXPECT_EQ(with("/lib/udev/rules.d/40-redhat.rules", RuleAction::other).remedy, mend);
  const auto own = with("/etc/udev/rules.d/x.rules", RuleAction::online_movable);
  expect(own, Severity::bad, "movable", "00-memctl.rules");
  EXPECT_EQ(own.remedy, mend);
  expect(with("/etc/udev/rules.d/00-memctl.rules", RuleAction::online_kernel), Severity::good,
         "as the agent does", "");
  expect(with(std::nullopt, RuleAction::online), Severity::unknown, "does not look", "");
}

TEST(GuestDiagnosis, AGuestPutsNothingIntoACommand) {
  for (const char* path : {"/etc/udev/rules.d/$(reboot).rules",
                           "/etc/udev/rules.d/../../xen/reboot.conf", "reboot", "-reboot"}) {
    const auto finding =
        on_guest(Check::udev_rule, [&](auto& hello, auto&) { hello.udev_rule = path; });
    EXPECT_THAT(finding.remedy, testing::Not(HasSubstr("reboot"))) << path;
    EXPECT_THAT(finding.remedy, HasSubstr("00-memctl.rules")) << path;
  }
}

TEST(GuestDiagnosis, BlocksThatAreOfflineOrMovable) {
  const auto finding = on_guest(Check::memory_blocks, [](auto&, auto& report) {
    report.blocks_present = 9;
    report.blocks_online = 8;
    report.blocks_movable = 4;
  });
  expect(finding, Severity::note, "1 of 9 blocks are offline", "");
  EXPECT_THAT(finding.message, HasSubstr("4 of 9 blocks are movable"));
}

}  // namespace
}  // namespace memctl::plan
