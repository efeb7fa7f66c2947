// SPDX-License-Identifier: LGPL-2.1-or-later
#include "doctor_text.hpp"

#include <gtest/gtest.h>

#include "cli_fixture.hpp"
#include "doctor_output.hpp"

namespace memctl::cli {
namespace {

TEST(DoctorText, HasAHeadingForEachSubjectAndTheRemedyBelowItsFinding) {
  EXPECT_EQ(doctor_text({{Check::state, Severity::bad, "the domain is paused", "xl unpause web1"},
                         {Check::libvirt, Severity::unknown, "cannot be told", ""},
                         {Check::agent, Severity::good, "it answers", ""},
                         {Check::kernel, Severity::note, "5.15.10", "install a newer one"}},
                        web1, true),
            "web1 (pv, domain 3)\n"
            "  BAD   state                 the domain is paused\n"
            "        mend: xl unpause web1\n"
            "  ?     libvirt               cannot be told\n"
            "web1, in the guest\n"
            "  ok    agent                 it answers\n"
            "  note  kernel                5.15.10\n"
            "        mend: install a newer one\n");
  EXPECT_EQ(doctor_text({{Check::xen_version, Severity::good, "Xen 4.17", ""}}, std::nullopt, true),
            "host\n  ok    xen_version           Xen 4.17\n");
}

TEST(DoctorText, WhatIsGoodIsLeftOutUnlessAskedFor) {
  const std::vector<Finding> findings = {{Check::state, Severity::good, "it runs", ""},
                                         {Check::libvirt, Severity::note, "libvirt runs it", ""},
                                         {Check::agent, Severity::good, "it answers", ""}};
  EXPECT_EQ(doctor_text(findings, web1, false),
            "web1 (pv, domain 3)\n"
            "  note  libvirt               libvirt runs it\n");
  EXPECT_EQ(doctor_text({findings.front()}, web1, false), "");
}

TEST(DoctorText, ChecksThatNeedAnAgentAreOneLineUnlessAskedFor) {
  const std::vector<Finding> findings = {{Check::libvirt, Severity::unknown, "cannot be told", ""},
                                         {Check::agent, Severity::bad, "none", "start it"},
                                         {Check::hotplug, Severity::unknown, "no agent tells", ""},
                                         {Check::kernel, Severity::unknown, "no agent tells", ""}};
  EXPECT_EQ(doctor_text(findings, web1, false),
            "web1 (pv, domain 3)\n"
            "  ?     libvirt               cannot be told\n"
            "web1, in the guest\n"
            "  BAD   agent                 none\n"
            "        mend: start it\n"
            "  ?     2 checks need the agent\n");
  EXPECT_EQ(doctor_text(findings, web1, true),
            "web1 (pv, domain 3)\n"
            "  ?     libvirt               cannot be told\n"
            "web1, in the guest\n"
            "  BAD   agent                 none\n"
            "        mend: start it\n"
            "  ?     hotplug               no agent tells\n"
            "  ?     kernel                no agent tells\n");
}

TEST(DoctorText, AGuestsTextDoesNotSteerTheTerminal) {
  EXPECT_EQ(
      doctor_text({{Check::xen_version, Severity::good, "a\x1b[2Jb\nc", ""}}, std::nullopt, true),
      "host\n  ok    xen_version           a?[2Jb c\n");
}

TEST(DoctorText, TheLastLineCounts) {
  EXPECT_EQ(summary_text({}), "all good\n");
  EXPECT_EQ(summary_text({.bad = 2, .note = 1, .unknown = 3}), "2 bad, 1 note, 3 not known\n");
  EXPECT_EQ(summary_text({.note = 2}), "2 notes\n");
  FindingCount count;
  count.add({{Check::state, Severity::bad, "", ""}, {Check::agent, Severity::good, "", ""}});
  EXPECT_EQ(count.bad, 1);
  EXPECT_EQ(count.note + count.unknown, 0);
  EXPECT_EQ(summary_text(count), "1 bad, 1 good\n");
}

TEST(DoctorOutput, AGuestThatEndedIsAnErrorOnlyIfItWasNamed) {
  const Error gone{.cause = Cause::no_such_domain, .message = "it has ended"};
  Options options;
  DoctorOutput of_all{options};
  EXPECT_EQ(of_all.add(gone, web1), "");
  EXPECT_EQ(of_all.end().code, ExitCode::verified);
  EXPECT_EQ(of_all.end().err, "");

  options.domains = {"web1"};
  DoctorOutput of_one{options};
  EXPECT_EQ(of_one.add(gone, web1), "");
  EXPECT_EQ(of_one.end().code, ExitCode::refused);
  EXPECT_NE(of_one.end().err.find("it has ended"), std::string::npos);
}

TEST(DoctorOutput, AHostThatCannotBeAskedIsAnErrorWhateverWasNamed) {
  const Options options{.json = true};
  DoctorOutput output{options};
  const Error gone{.cause = Cause::no_such_domain};
  EXPECT_NE(output.add(gone, std::nullopt).find("no_such_domain"), std::string::npos);
  EXPECT_EQ(output.end().code, ExitCode::refused);
}

}  // namespace
}  // namespace memctl::cli
