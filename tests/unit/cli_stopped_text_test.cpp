// SPDX-License-Identifier: LGPL-2.1-or-later
#include "stopped_text.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>

#include "cli_fixture.hpp"

namespace memctl::cli {
namespace {

using namespace std::chrono_literals;

Ending stopped(Cause cause, Outcome outcome, Kib reached, Kib requested = 3_GiB) {
  Error error{.cause = cause, .message = "the request was stopped"};
  error.report = std::make_shared<const Report>(Report{.outcome = outcome,
                                                       .cause = cause,
                                                       .domain = web1,
                                                       .from = 512_MiB,
                                                       .requested = requested,
                                                       .reached = reached});
  Ending ending{std::move(error), web1, requested};
  ending.stopped_at = 1102_MiB + 12_KiB;
  return ending;
}

ResizeOptions keeping(std::optional<std::chrono::milliseconds> timeout = {}) {
  return {.timeout = timeout, .on_failure = OnFailure::keep};
}

TEST(StoppedText, AnInterruptedResizeSaysWhatTheDomainHasNow) {
  const auto text = [](Outcome outcome, Kib reached, const ResizeOptions& options = {}) {
    return stopped_text(stopped(Cause::cancelled, outcome, reached), options);
  };
  EXPECT_EQ(text(Outcome::restored, 512_MiB), "memctl: interrupted; web1 is back at 512 MiB\n");
  EXPECT_EQ(text(Outcome::refused, 512_MiB), "memctl: interrupted; web1 is still at 512 MiB\n");
  EXPECT_EQ(text(Outcome::refused, Kib{}), "memctl: interrupted; web1 is unchanged\n");
  EXPECT_EQ(text(Outcome::kept, 1102_MiB, keeping()),
            "memctl: interrupted; web1 is at 1102 of 3072 MiB; kept there (--on-failure keep)\n");
  EXPECT_EQ(text(Outcome::kept, 1102_MiB),
            "memctl: interrupted; web1 is at 1102 of 3072 MiB, since the way back was not safe or "
            "took too long\n");
}

TEST(StoppedText, AResizeThatTimedOutSaysHowFarItCame) {
  const auto text = [](Outcome outcome, Kib reached, const ResizeOptions& options) {
    const auto told = stopped_text(stopped(Cause::deadline, outcome, reached), options).value();
    EXPECT_TRUE(told.ends_with("\n  hint: allow more time with the option timeout\n")) << told;
    return told.substr(0, told.find('\n'));
  };
  EXPECT_EQ(text(Outcome::restored, 512_MiB, {.timeout = 2s}),
            "memctl: web1: timed out after 2 s at 1102 of 3072 MiB; back at 512 MiB");
  EXPECT_EQ(text(Outcome::kept, 1103_MiB - 4_KiB, keeping(2500ms)),
            "memctl: web1: timed out after 2.5 s at 1102 of 3072 MiB; kept there (--on-failure "
            "keep)");
  EXPECT_EQ(text(Outcome::kept, 800_MiB, {.timeout = 120s}),
            "memctl: web1: timed out after 120 s at 1102 of 3072 MiB; now at 800 MiB, since the "
            "way back was not safe or took too long");
}

TEST(StoppedText, AShrinkIsOnItsWay) {
  Ending ending = stopped(Cause::deadline, Outcome::restored, 2_GiB, 512_MiB);
  EXPECT_EQ(
      stopped_text(ending, {.timeout = 2s})
          ->find("memctl: web1: timed out after 2 s at 1128460 KiB, on the way to 512 MiB; back at "
                 "2048 MiB\n"),
      0);
}

TEST(StoppedText, AnyOtherEndingIsToldByItsError) {
  EXPECT_EQ(stopped_text(stopped(Cause::stalled, Outcome::restored, 512_MiB), {}), std::nullopt);
  EXPECT_EQ(stopped_text(stopped(Cause::cancelled, Outcome::failed, 900_MiB), {}), std::nullopt);
  EXPECT_EQ(stopped_text(stopped(Cause::deadline, Outcome::gone, Kib{}), {.timeout = 2s}),
            std::nullopt);
  EXPECT_EQ(stopped_text(Ending{Report{.outcome = Outcome::verified}}, {}), std::nullopt);
}

TEST(StoppedText, CancellingNamesTheSizeToGoBackToIfItIsKnown) {
  EXPECT_EQ(cancelling_text("web1", 512_MiB),
            "cancelling: back to 512 MiB (Ctrl-C again stops now and leaves web1 half-way)");
  EXPECT_EQ(cancelling_text("web1", std::nullopt),
            "cancelling (Ctrl-C again stops now and leaves web1 half-way)");
}

}  // namespace
}  // namespace memctl::cli
