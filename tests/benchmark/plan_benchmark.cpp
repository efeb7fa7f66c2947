// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The cost of one decision, by the size of the guest, by the size of its blocks, and by the number
// of stages.
#include <benchmark/benchmark.h>

#include "plan/plan.hpp"
#include "plan/pool.hpp"

namespace memctl::plan {
namespace {

Input guest_of(Kib size, Kib block, Kib kernel_zone_free) {
  Input input;
  input.host = {.free = to_pages(16_TiB), .total = to_pages(32_TiB)};
  input.domain = {.identity = {.id = DomainId{1}, .name = "g", .type = DomainType::pvh},
                  .memory = {.allocated = to_pages(size), .max_pages = size + 1_MiB},
                  .target = size,
                  .limit = size,
                  .has_stored_configuration = true,
                  .boot_limit = size,
                  .pool = pool_for(size, 1, true),
                  .hap = true,
                  .pod_entries = Pages{},
                  .passthrough_devices = 0};
  input.guest =
      GuestFacts{.hello = {.kernel_release = "6.1.158", .block_size = block, .hotplug = true},
                 .report = {.mem_total = size, .kernel_zone_free = kernel_zone_free}};
  return input;
}

void decide(benchmark::State& state, const Input& input, Kib to) {
  for (auto _ : state) {
    auto plan = make_plan(input, to);
    benchmark::DoNotOptimize(plan);
  }
  const Plan plan = make_plan(input, to).value();
  for (const Stage& stage : plan.stages) state.counters["blocks"] += stage.blocks;
  state.counters["stages"] = static_cast<double>(plan.stages.size());
}

/// Doubling a guest, in blocks of 128 MiB or 2 GiB, with a quarter of it free.
void Double(benchmark::State& state) {
  const Kib size = 1_GiB * state.range(0);
  decide(state, guest_of(size, 1_MiB * state.range(1), size / 4), size * 2);
}
BENCHMARK(Double)
    ->ArgNames({"GiB", "block_MiB"})
    ->Args({1, 128})
    ->Args({64, 128})
    ->Args({1024, 128})
    ->Args({1024, 2048});

/// The same growth by 1 TiB from less and less free memory, so that it takes more stages.
void Stages(benchmark::State& state) {
  decide(state, guest_of(1_TiB, 128_MiB, 66_MiB + 4_MiB * state.range(0)), 2_TiB);
}
BENCHMARK(Stages)->ArgNames({"free_MiB"})->Arg(2)->Arg(64)->Arg(1024)->Arg(16384);

}  // namespace
}  // namespace memctl::plan
