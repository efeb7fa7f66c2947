// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The promises that hold on any host, with any guests, after any sequence of requests. Each request
// is carried out on the simulator.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cstdio>

#include "session.hpp"

namespace memctl::property {
namespace {

TEST(OperationProperty, EveryPromiseHoldsAfterEveryRequest) {
  long operations = 0;
  EXPECT_TRUE(rc::check("requests on a host", [&] {
    Session session{*hosts()};
    for (const Step& step : *rc::gen::container<std::vector<Step>>(steps())) session.follow(step);
    operations += session.operations();
  }));
  std::printf("%ld operations\n", operations);
}

}  // namespace
}  // namespace memctl::property
