// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "plan/plan.hpp"
#include "plan/pool.hpp"

namespace memctl::plan {

/// A host with 8 GiB free and a settled pvh guest of 160 MiB with 60 MiB free for its kernel.
inline Input settled_guest(DomainType type = DomainType::pvh) {
  Input input;
  input.host = {
      .free = to_pages(8_GiB), .total = to_pages(16_GiB), .xen_major = 4, .xen_minor = 17};
  input.domain = {.identity = {.id = DomainId{3}, .name = "web1", .type = type},
                  .memory = {.allocated = to_pages(160_MiB), .max_pages = 161_MiB},
                  .vcpus = 1,
                  .target = 160_MiB,
                  .limit = 160_MiB,
                  .has_stored_configuration = true,
                  .boot_limit = 160_MiB,
                  .passthrough_devices = 0,
                  .emulated_dma_devices = false};
  if (type != DomainType::pv) {
    input.domain.pool = pool_for(160_MiB, 1, true);
    input.domain.hap = true;
    input.domain.pod_entries = Pages{};
  }
  input.guest = GuestFacts{
      .hello = {.protocol_min = 1,
                .protocol_max = 1,
                .kernel_release = "6.1.158",
                .block_size = 128_MiB,
                .hotplug = true},
      .report = {.mem_total = 130_MiB, .mem_available = 70_MiB, .kernel_zone_free = 60_MiB}};
  return input;
}

inline Error refusal(const Input& input, SizeRequest request) {
  const auto plan = make_plan(input, request);
  return plan ? Error{} : plan.error();
}

}  // namespace memctl::plan
