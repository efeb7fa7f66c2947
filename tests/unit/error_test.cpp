// SPDX-License-Identifier: LGPL-2.1-or-later
#include "memctl/error.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <system_error>

namespace memctl {
namespace {

constexpr int cause_count = static_cast<int>(Cause::hypervisor_error);

TEST(Cause, EachHasANameThatLeadsBackToItAndAHintUnlessItsMessageSaysAll) {
  constexpr std::array message_says_all = {
      Cause::invalid_size,  Cause::invalid_argument, Cause::below_floor, Cause::xen_unsupported,
      Cause::address_limit, Cause::block_size,       Cause::domain_gone, Cause::cancelled};
  for (int number = 1; number <= cause_count; ++number) {
    const auto cause = static_cast<Cause>(number);
    EXPECT_EQ(cause_named(name(cause)), cause);
    EXPECT_EQ(hint(cause).empty(), std::ranges::count(message_says_all, cause) == 1) << name(cause);
  }
  EXPECT_EQ(cause_named("no_such_cause"), std::nullopt);
}

TEST(Cause, IsAnErrorCode) {
  const std::error_code code = Cause::host_memory;
  EXPECT_EQ(code.category(), error_category());
  EXPECT_EQ(code.message(), "host_memory");
  EXPECT_EQ(code, Cause::host_memory);
}

TEST(Result, ValueOfAFailureThrowsTheWholeError) {
  const Result<int> result = Error{.cause = Cause::busy, .message = "held by pid 7", .raw = 3};
  try {
    static_cast<void>(result.value());
    FAIL() << "value() returned";
  } catch (const ErrorException& exception) {
    EXPECT_EQ(exception.code(), Cause::busy);
    EXPECT_EQ(exception.error().message, "held by pid 7");
    EXPECT_EQ(exception.error().raw, 3);
  }
}

TEST(Error, ItsOwnHintGoesBeforeTheCausesHint) {
  EXPECT_EQ((Error{.cause = Cause::busy}.advice()), hint(Cause::busy));
  EXPECT_EQ((Error{.cause = Cause::busy, .hint = "stop it"}.advice()), "stop it");
}

}  // namespace
}  // namespace memctl
