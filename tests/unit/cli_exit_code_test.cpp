// SPDX-License-Identifier: LGPL-2.1-or-later
#include "exit_code.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "ending.hpp"

namespace memctl::cli {
namespace {

std::vector<Cause> all_causes() {
  std::vector<Cause> causes;
  for (int number = 1; !error_category().message(number).starts_with("unknown"); ++number) {
    causes.push_back(static_cast<Cause>(number));
  }
  return causes;
}

TEST(ExitCode, EveryOutcomeWithEveryCause) {
  ASSERT_GE(all_causes().size(), 30U);
  for (const Cause cause : all_causes()) {
    SCOPED_TRACE(std::string{name(cause)});
    const bool cancelled = cause == Cause::cancelled;
    const int refused = cancelled ? 130 : cause == Cause::invalid_size ? 2 : 3;
    EXPECT_EQ(static_cast<int>(exit_code(Outcome::refused, cause)), refused);
    EXPECT_EQ(static_cast<int>(exit_code(Outcome::restored, cause)), cancelled ? 130 : 4);
    EXPECT_EQ(static_cast<int>(exit_code(Outcome::kept, cause)), 5);
    EXPECT_EQ(static_cast<int>(exit_code(Outcome::superseded, cause)), 5);
    EXPECT_EQ(static_cast<int>(exit_code(Outcome::failed, cause)), 5);
    EXPECT_EQ(static_cast<int>(exit_code(Outcome::gone, cause)), 6);
  }
  EXPECT_EQ(static_cast<int>(exit_code(Outcome::verified, std::nullopt)), 0);
}

TEST(ExitCode, OfSeveralDomainsTheWorstCounts) {
  const std::vector<int> from_the_worst = {5, 6, 130, 4, 3, 2, 1, 0};
  for (std::size_t bad = 0; bad < from_the_worst.size(); ++bad) {
    for (std::size_t better = bad; better < from_the_worst.size(); ++better) {
      const auto one = static_cast<ExitCode>(from_the_worst[bad]);
      const auto other = static_cast<ExitCode>(from_the_worst[better]);
      EXPECT_EQ(worse(one, other), one);
      EXPECT_EQ(worse(other, one), one);
    }
  }
}

TEST(ExitCode, OnlyWhatTellsOfADomainOutlivesALostOutput) {
  for (const ExitCode code : {ExitCode::verified, ExitCode::found_bad, ExitCode::refused}) {
    for (const Command command : {Command::plan, Command::status, Command::doctor}) {
      EXPECT_EQ(without_output(command, code), ExitCode::output_lost);
    }
    EXPECT_EQ(without_output(Command::resize, code), code);
  }
  EXPECT_EQ(without_output(Command::recover, ExitCode::verified), ExitCode::output_lost);
  EXPECT_EQ(without_output(Command::recover, ExitCode::left_behind), ExitCode::left_behind);
  EXPECT_EQ(static_cast<int>(ExitCode::output_lost), 74);
}

TEST(Ending, AnErrorWithoutAReportIsARefusal) {
  const Ending ending{Error{.cause = Cause::no_xen}, std::nullopt, 1_GiB};
  EXPECT_EQ(ending.outcome, Outcome::refused);
  EXPECT_EQ(ending.exit_code(), ExitCode::refused);
  EXPECT_EQ(ending.requested, 1_GiB);
}

TEST(Ending, TheReportCountsBeforeTheRequest) {
  Error error{.cause = Cause::stalled};
  error.report = std::make_shared<const Report>(Report{.outcome = Outcome::restored,
                                                       .domain = {DomainId{3}, "web1", {}},
                                                       .requested = 768_MiB,
                                                       .elapsed = std::chrono::seconds{4}});
  const Ending ending{error, DomainIdentity{DomainId{3}, "old", {}}, std::nullopt};
  EXPECT_EQ(ending.exit_code(), ExitCode::restored);
  EXPECT_EQ(ending.domain->name, "web1");
  EXPECT_EQ(ending.requested, 768_MiB);
  EXPECT_EQ(ending.elapsed, std::chrono::seconds{4});
}

}  // namespace
}  // namespace memctl::cli
