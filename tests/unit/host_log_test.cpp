// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What an embedding program is told of a host.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "memctl/host.hpp"
#include "simulated_host.hpp"

namespace memctl {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Ne;
using testing::StartsWith;

/// The lines of a log, each with its level in front. Only the host's thread writes; whoever reads
/// first waits for the host's end.
struct Lines {
  std::vector<std::string> all{};
  [[nodiscard]] HostOptions options() {
    return {.on_log = [this](const LogLine& line) {
      all.push_back(std::string{name(line.level)} + " " + line.message);
      threads.push_back(std::this_thread::get_id());
    }};
  }
  std::vector<std::thread::id> threads{};
};

TEST_F(SimulatedHost, ALogTellsOfAnOperationFromItsBeginningToItsEnd) {
  Lines lines;
  {
    const Host host = Host::open(uri(), lines.options()).value();
    EXPECT_TRUE(host.domain("g0").value().resize(512_MiB).wait());
  }
  ASSERT_GE(lines.all.size(), 4U);
  EXPECT_EQ(lines.all.front(), "info g0: a resize begins, to 512 MiB");
  EXPECT_THAT(lines.all, Contains("debug g0: populate, stage 1, 160 MiB -> 512 MiB"));
  EXPECT_THAT(lines.all.back(),
              MatchesRegex("info g0: 160 MiB -> 512 MiB in [0-9]+ ms .verified."));
  EXPECT_THAT(lines.threads, Each(AllOf(lines.threads.front(), Ne(std::this_thread::get_id()))));
}

TEST_F(SimulatedHost, ALogTellsARefusalFromAFailure) {
  Lines lines;
  {
    const Host host = Host::open(uri(), lines.options()).value();
    EXPECT_FALSE(host.domain("g0").value().resize(40_GiB).wait());
    ResizeOptions options;
    options.on_event = [](const Event& event) {
      if (event.phase == Phase::populate) throw std::runtime_error{"no room on the screen"};
    };
    EXPECT_FALSE(host.domain("g0").value().resize(2_GiB, options).wait());
  }
  EXPECT_THAT(lines.all, Contains(AllOf(StartsWith("info g0: "), HasSubstr("(refused: "))));
  EXPECT_THAT(lines.all, Contains("warning g0: on_event threw: no room on the screen (restored: "
                                  "cancelled)"));
}

TEST_F(SimulatedHost, ALogHasTheReportOfEachResizeInOneLine) {
  std::vector<LogLine> ends;
  {
    const Host host =
        Host::open(uri(), {.on_log =
                               [&](const LogLine& line) {
                                 EXPECT_EQ(line.report.has_value(), line.kind != LineKind::other);
                                 if (line.report) ends.push_back(line);
                               }})
            .value();
    EXPECT_TRUE(host.domain("g0").value().resize(512_MiB).wait());
    EXPECT_FALSE(host.domain("g0").value().resize(40_GiB).wait());
    DomainIdentity gone = host.domain("g0").value().identity();
    gone.id = DomainId{77};
    EXPECT_FALSE(host.domain(gone).resize(1_GiB).wait());
    EXPECT_FALSE(host.domain(gone).recover());
    EXPECT_TRUE(host.domain("g0").value().recover());
    // Neither recovery found anything, so no line tells how it ended.
  }
  ASSERT_EQ(ends.size(), 3U);
  EXPECT_EQ(name(ends[0].kind), "resize_ended");
  EXPECT_EQ(ends[0].report->outcome, Outcome::verified);
  EXPECT_EQ(ends[0].report->reached, 512_MiB);
  EXPECT_EQ(ends[1].report->cause, Cause::host_memory);
  EXPECT_EQ(ends[1].report->from, 512_MiB);
  EXPECT_EQ(ends[2].report->cause, Cause::domain_gone);
  EXPECT_EQ(ends[2].report->requested, 1_GiB);
  EXPECT_EQ(ends[2].report->domain.id, DomainId{77});
}

TEST_F(SimulatedHost, ALogTellsWhatAListenerThrew) {
  Lines lines;
  {
    const Host host = Host::open(uri(), lines.options()).value();
    const Operation operation = host.domain("g0").value().resize(512_MiB);
    EXPECT_TRUE(operation.wait());
    operation.on_end([] { throw std::runtime_error{"nobody listens to this"}; });
  }
  EXPECT_EQ(lines.all.back(), "warning a callback threw: nobody listens to this");
}

TEST_F(SimulatedHost, ALogThatThrowsHarmsNothing) {
  const Host host =
      Host::open(uri(), {.on_log = [](const LogLine&) { throw std::runtime_error{"disk full"}; }})
          .value();
  EXPECT_TRUE(host.domain("g0").value().resize(512_MiB).wait());
}

TEST_F(SimulatedHost, WithoutALogNothingIsWritten) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  {
    const Host host = Host::open(uri()).value();
    EXPECT_TRUE(host.domain("g0").value().resize(512_MiB).wait());
    const Operation refused = host.domain("g0").value().resize(64_TiB);
    EXPECT_FALSE(refused.wait());
    refused.on_end([] { throw std::runtime_error{"nobody listens to this"}; });
  }
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace memctl
