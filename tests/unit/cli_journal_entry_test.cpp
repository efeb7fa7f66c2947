// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "asker.hpp"
#include "cli_fixture.hpp"
#include "journal_entry.hpp"
#include "memctl/units.hpp"

namespace memctl::cli {
namespace {

using testing::Contains;
using testing::Each;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

LogLine resized() {
  Report report{.outcome = Outcome::verified,
                .domain = web1,
                .from = 1_GiB,
                .requested = 2_GiB,
                .reached = 2_GiB,
                .limit = 2_GiB,
                .elapsed = std::chrono::milliseconds{812}};
  return {.level = LogLevel::info,
          .kind = LineKind::resize_ended,
          .domain = web1,
          .message = "web1: 1024 MiB -> 2048 MiB in 812 ms (verified)",
          .report = std::move(report)};
}

TEST(JournalEntry, HasWhatAnAdministratorAsksFor) {
  const Asker alice{.uid = 0, .login_uid = 1000, .claimed_sudo_user = "alice"};
  EXPECT_EQ(journal_entry(resized(), alice),
            (std::vector<std::string>{
                "MESSAGE=web1: 1024 MiB -> 2048 MiB in 812 ms (verified); asked by login uid 1000",
                "MESSAGE_ID=def8ed55558a4fce9c6819be0e77e761",
                "PRIORITY=6",
                "SYSLOG_IDENTIFIER=memctl",
                "MEMCTL_ENDED=resize",
                "MEMCTL_DOMAIN=web1",
                "MEMCTL_DOMAIN_ID=3",
                "MEMCTL_FROM_KIB=1048576",
                "MEMCTL_REQUESTED_KIB=2097152",
                "MEMCTL_REACHED_KIB=2097152",
                "MEMCTL_LIMIT_KIB=2097152",
                "MEMCTL_OUTCOME=verified",
                "MEMCTL_ELAPSED_MS=812",
                "MEMCTL_UID=0",
                "MEMCTL_LOGIN_UID=1000",
                "MEMCTL_CLAIMED_SUDO_USER=alice",
            }));
}

TEST(JournalEntry, LeavesOutWhatNobodyKnows) {
  LogLine line{.level = LogLevel::warning,
               .kind = LineKind::recovery_ended,
               .domain = web1,
               .message = "web1: busy",
               .report = Report{.cause = Cause::busy, .domain = web1}};
  const auto fields = journal_entry(line, Asker{.uid = 1001});
  EXPECT_THAT(fields, Contains("MESSAGE_ID=f889840309ce4ecd8287a8cb31e46a54"));
  EXPECT_THAT(fields, Contains("MEMCTL_ENDED=recovery"));
  EXPECT_THAT(fields, Contains("MEMCTL_CAUSE=busy"));
  EXPECT_THAT(fields, Contains("PRIORITY=4"));
  EXPECT_THAT(fields, Contains("MESSAGE=web1: busy; asked by uid 1001"));
  for (const char* name : {"MEMCTL_FROM_KIB", "MEMCTL_REQUESTED_KIB", "MEMCTL_REACHED_KIB",
                           "MEMCTL_DOMAIN_UUID", "MEMCTL_LOGIN_UID", "MEMCTL_CLAIMED_SUDO_USER"}) {
    EXPECT_THAT(fields, Not(Contains(StartsWith(name))));
  }
}

TEST(JournalEntry, OfALineThatTellsOfNoEndIsEmpty) {
  const LogLine line{.level = LogLevel::debug, .domain = web1, .message = "web1: populate"};
  EXPECT_THAT(journal_entry(line, Asker{}), IsEmpty());
}

TEST(JournalEntry, IsOneBoundedLineAFieldWhateverTheDomainIsCalled) {
  const std::string hostile =
      std::string{"x\nMEMCTL_OUTCOME=verified\r\x1b[2J"} + std::string(4096, 'y');
  LogLine line = resized();
  line.domain->name = hostile;
  line.report->domain.name = hostile;
  line.message = hostile + ": failed";
  const auto fields = journal_entry(line, Asker{.claimed_sudo_user = hostile});
  EXPECT_THAT(fields, Contains(StartsWith("MEMCTL_DOMAIN=x MEMCTL_OUTCOME=verified??[2Jyyy")));
  EXPECT_THAT(fields, Each(testing::ResultOf([](const std::string& field) { return field.size(); },
                                             testing::Le(1100))));
  EXPECT_THAT(fields, Each(Not(testing::ContainsRegex("[\x01-\x1f]"))));
}

TEST(Asker, HasALoginOnlyIfSomebodyLoggedIn) {
  EXPECT_EQ(login_uid_from("1000"), 1000U);
  EXPECT_EQ(login_uid_from("0\n"), 0U);
  for (const char* text : {"4294967295", "", "-1", "1000x", "99999999999"}) {
    EXPECT_EQ(login_uid_from(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace memctl::cli
