// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The cost of a call through the host's thread, if the call itself takes no time.
#include <benchmark/benchmark.h>

#include "memctl/host.hpp"

namespace memctl {
namespace {

void status(benchmark::State& state) {
  const Host host = Host::open("sim:").value();
  const Domain domain = host.domain("demo-pv").value();
  for (auto _ : state) benchmark::DoNotOptimize(domain.status().value());
}
BENCHMARK(status)->Unit(benchmark::kMicrosecond)->UseRealTime();

}  // namespace
}  // namespace memctl
