// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli_fixture.hpp"
#include "status_text.hpp"
#include "watch_output.hpp"

namespace memctl::cli {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

WatchedDomains many(unsigned count) {
  WatchedDomains domains;
  for (unsigned i = 1; i <= count; ++i) {
    const DomainIdentity domain{DomainId{i}, "guest-" + std::to_string(i), DomainType::pv};
    const DomainStatus status{.domain = domain, .size = 1_GiB, .target = 1_GiB};
    domains[domain.id] = {.domain = domain, .status = status};
  }
  return domains;
}

std::string screen_of(const WatchedDomains& domains, int rows, const HostFigures& host = {}) {
  return watch_screen(domains, host, {}, {.columns = 80}, rows);
}

long lines_in(const std::string& text) { return std::ranges::count(text, '\n'); }

TEST(WatchScreen, SaysHowManyHaveNoRoom) {
  const HostFigures host{HostStatus{}};
  EXPECT_THAT(screen_of(many(30), 24), EndsWith("\n9 more\n"));
  EXPECT_THAT(screen_of(many(30), 4, host), HasSubstr("\n30 more\nhost: "));
  EXPECT_THAT(screen_of(many(30), 3, host), HasSubstr("30 more\n")) << "there is no heading";
  for (int rows = 1; rows < 40; ++rows) EXPECT_LE(lines_in(screen_of(many(30), rows)), rows);
  EXPECT_THAT(screen_of(many(30), 32), Not(HasSubstr("more")));
}

TEST(WatchScreen, ShowsADomainThatCannotBeAsked) {
  WatchedDomains domains = many(2);
  Watched& second = domains.at(DomainId{2});
  second.status.reset();
  second.error = Error{.cause = Cause::store_error, .message = "guest-2: xenstore\x1b failed"};
  EXPECT_THAT(screen_of(domains, 24), EndsWith("\nguest-2: xenstore? failed\n"));
  domains.erase(DomainId{1});
  EXPECT_THAT(screen_of(domains, 24), Not(HasSubstr("no guest runs")));
  EXPECT_THAT(screen_of({}, 24), HasSubstr("no guest runs"));
}

TEST(WatchScreen, ShowsWhyTheHostsFiguresAreNotKnown) {
  const HostFigures host{Error{.cause = Cause::hypervisor_error, .message = "Xen refused"}};
  EXPECT_THAT(screen_of(many(1), 24, host), EndsWith("\nhost: Xen refused\n"));
}

}  // namespace
}  // namespace memctl::cli
