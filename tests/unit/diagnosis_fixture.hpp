// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "plan/diagnosis.hpp"
#include "plan/pool.hpp"

namespace memctl::plan {

/// A host on which nothing is wrong.
inline HostExam sound_host() {
  return {
      .host = {.free = to_pages(8_GiB), .total = to_pages(16_GiB), .xen_major = 4, .xen_minor = 17},
      .settings = {.autoballoon = Autoballoon::off,
                   .dom0_memory_is_fixed = true,
                   .memory_managers = std::vector<std::string>{},
                   .store = StoreProgram::oxenstored},
      .reserve = 64_MiB};
}

/// A settled domain with a guest on which nothing is wrong.
inline DomainExam sound_domain(DomainType type = DomainType::pvh) {
  DomainExam exam{.library_version = "0.1.0"};
  exam.facts.being_saved = false;
  DomainFacts& domain = exam.facts.domain;
  domain = {.identity = {.id = DomainId{3}, .name = "web1", .type = type},
            .memory = {.allocated = to_pages(160_MiB), .max_pages = 161_MiB},
            .target = 160_MiB,
            .limit = 160_MiB,
            .has_stored_configuration = true,
            .boot_limit = 160_MiB,
            .boot_size = 160_MiB,
            .passthrough_devices = 0,
            .emulated_dma_devices = false,
            .managed_by_libvirt = false};
  if (type != DomainType::pv) {
    domain.pool = pool_for(160_MiB, 1, true);
    domain.hap = true;
    domain.pod_entries = Pages{};
  }
  exam.hello = AgentHello{.protocol_min = 1,
                          .protocol_max = 1,
                          .agent_version = "0.1.0",
                          .kernel_release = "6.1.158",
                          .block_size = 128_MiB,
                          .hotplug = true,
                          .online_policy = "offline",
                          .udev_rule = ""};
  exam.facts.guest =
      GuestFacts{.hello = *exam.hello, .report = {.blocks_present = 2, .blocks_online = 2}};
  return exam;
}

inline Finding found(const std::vector<Finding>& findings, Check check) {
  for (const Finding& finding : findings) {
    if (finding.check == check) return finding;
  }
  ADD_FAILURE() << "no finding " << name(check);
  return {};
}

/// The findings after `change` was made to a sound host, domain or guest.
template <class Change>
Finding on_host(Check check, Change change) {
  HostExam exam = sound_host();
  change(exam);
  return found(diagnose_host(exam), check);
}
template <class Change>
Finding on_domain(Check check, Change change, DomainType type = DomainType::pvh) {
  DomainExam exam = sound_domain(type);
  change(exam, exam.facts.domain);
  return found(diagnose_domain(exam), check);
}
template <class Change>
Finding on_guest(Check check, Change change) {
  DomainExam exam = sound_domain();
  change(exam.facts.guest->hello, exam.facts.guest->report);
  exam.hello = exam.facts.guest->hello;
  return found(diagnose_guest(exam), check);
}

/// Expects the severity, the message and the remedy.
inline void expect(const Finding& finding, Severity severity, const std::string& message,
                   const std::string& remedy) {
  EXPECT_EQ(finding.severity, severity) << finding.message;
  EXPECT_THAT(finding.message, testing::HasSubstr(message));
  EXPECT_THAT(finding.remedy, testing::HasSubstr(remedy));
  EXPECT_EQ(remedy.empty(), finding.remedy.empty()) << finding.remedy;
}

}  // namespace memctl::plan
