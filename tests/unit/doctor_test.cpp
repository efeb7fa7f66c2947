// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the doctor gathers during an operation, and after an operation died.
#include "resize/doctor.hpp"

#include <gtest/gtest.h>

#include <boost/asio/detached.hpp>
#include <memory>
#include <string>
#include <vector>

#include "resize/operation.hpp"
#include "resize/recover.hpp"
#include "support/faults.hpp"
#include "support/simulation.hpp"

namespace memctl::resize {
namespace {

using test::Simulation;
using namespace std::chrono_literals;

class DoctorOnSim : public testing::Test {
 protected:
  std::vector<Finding> examine() { return simulation.run(examine_result()).value(); }
  host::Task<std::vector<Finding>> examine_result() {
    return examine_domain(simulation.port(), identity, {});
  }
  static Finding found(const std::vector<Finding>& findings, Check check) {
    for (const Finding& finding : findings) {
      if (finding.check == check) return finding;
    }
    ADD_FAILURE() << "no finding " << name(check);
    return {};
  }

  Simulation simulation{};
  DomainId id{simulation.world.add_guest({.name = "g"})};
  DomainIdentity identity{.id = id, .name = "g", .type = DomainType::pvh};
};

TEST_F(DoctorOnSim, AnOperationUnderWayIsNoLeftover) {
  ResizeOperation operation{simulation.port(), identity, 16_GiB, {}};
  std::optional<Result<Report>> ended;
  boost::asio::co_spawn(
      simulation.context,
      [&]() -> boost::asio::awaitable<void> {
        ended.emplace(std::move(*co_await operation.run()));
      },
      boost::asio::detached);
  simulation.context.restart();
  simulation.connection.run_until([&] { return simulation.world.host_claimed() > Kib{}; });
  ASSERT_FALSE(ended);

  const auto findings = examine();
  EXPECT_EQ(found(findings, Check::leftover).severity, Severity::note);
  EXPECT_EQ(found(findings, Check::claims).severity, Severity::good);

  simulation.context.restart();
  simulation.connection.run_until([&] { return ended.has_value(); });
  EXPECT_TRUE(*ended) << ended->error().message;
  EXPECT_EQ(found(examine(), Check::leftover).severity, Severity::good);
}

TEST_F(DoctorOnSim, TheNamedCommandMendsWhatADeadOperationLeft) {
  auto dying = std::make_unique<host::sim::SimPort>(simulation.world);
  test::FaultPlan faults{{.kind = test::Fault::Kind::kill_after, .call = "claim"}};
  {
    test::FaultyPort port{*dying, simulation.world, faults};
    ResizeOperation operation{port, identity, 1_GiB, {}};
    EXPECT_THROW(static_cast<void>(simulation.run(operation.run())), test::ProcessKilled);
  }
  dying.reset();

  const auto findings = examine();
  EXPECT_EQ(found(findings, Check::claims).severity, Severity::bad);
  EXPECT_EQ(found(findings, Check::leftover).severity, Severity::bad);
  EXPECT_EQ(found(findings, Check::leftover).remedy, "memctl recover g");

  const auto recovery = simulation.run(recover(simulation.port(), identity, {}));
  ASSERT_TRUE(recovery && recovery.value().report);
  EXPECT_EQ(recovery.value().report->outcome, Outcome::restored);
  for (const Finding& finding : examine()) {
    EXPECT_EQ(finding.severity, Severity::good) << name(finding.check) << finding.message;
  }
}

TEST_F(DoctorOnSim, ADomainThatIsGoneHasNoFindings) {
  simulation.world.destroy(id);
  const auto findings = simulation.run(examine_result());
  ASSERT_FALSE(findings);
  EXPECT_EQ(findings.error().cause, Cause::no_such_domain);
}

TEST_F(DoctorOnSim, AHostThatFailsIsAnErrorAndNotAFinding) {
  for (const char* call : {"host_facts", "host_settings"}) {
    test::FaultPlan faults{{.call = call}};
    test::FaultyPort port{simulation.port(), simulation.world, faults};
    EXPECT_FALSE(simulation.run(examine_host(port, 64_MiB))) << call;
  }
  test::FaultPlan faults{{.call = "save_in_progress"}};
  test::FaultyPort port{simulation.port(), simulation.world, faults};
  const auto findings = simulation.run(examine_domain(port, identity, {})).value();
  EXPECT_EQ(found(findings, Check::state).severity, Severity::unknown);
}

}  // namespace
}  // namespace memctl::resize
