// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plan/guest_kernel.hpp"

#include <gtest/gtest.h>

#include <string>

namespace memctl::plan {
namespace {

KernelFaults faults_of(const std::string& release, const std::string& build = {}) {
  return kernel_faults({.kernel_release = release, .kernel_build = build});
}

TEST(KernelVersion, IsReadFromTheReleaseOrFromTheBuild) {
  using Version = KernelVersion;
  EXPECT_EQ(parse_kernel_version("6.12.57+deb13-amd64", ""), (Version{6, 12, 57}));
  EXPECT_EQ(parse_kernel_version("6.1.0-56-amd64",
                                 "#1 SMP PREEMPT_DYNAMIC Debian 6.1.158-1 (2025-11-09)"),
            (Version{6, 1, 158}));
  EXPECT_EQ(parse_kernel_version("5.15.0-91-generic", "Ubuntu 5.15.0-91.101-generic 5.15.131"),
            (Version{5, 15, 131}));
  EXPECT_EQ(parse_kernel_version("5.14.0-362.el9.x86_64", "#1 SMP Tue Oct 3"), (Version{5, 14}));
  EXPECT_EQ(parse_kernel_version("6.8", ""), (Version{6, 8}));
  for (const auto* text : {"", "six", "6", "6.", ".1", "-6.1", "99999999999.1"}) {
    EXPECT_EQ(parse_kernel_version(text, "Debian 6.1.158-1"), std::nullopt) << text;
  }
}

TEST(KernelFaults, FirstMemoryOfAZone) {
  for (const auto* bad : {"5.9.1", "5.10.0", "5.10.111", "5.14.0-362.el9", "5.15.34", "5.16.20",
                          "5.17.15", "unheard-of"}) {
    EXPECT_TRUE(faults_of(bad).first_memory_of_a_zone_is_lost) << bad;
  }
  for (const auto* good : {"5.8.18", "5.10.112", "5.15.35", "5.18.0", "6.1.0", "4.18.0-553.el8"}) {
    EXPECT_FALSE(faults_of(good).first_memory_of_a_zone_is_lost) << good;
  }
  EXPECT_FALSE(faults_of("5.10.0-38-amd64", "#1 SMP Debian 5.10.249-1 (2025-12-10)")
                   .first_memory_of_a_zone_is_lost);
  EXPECT_TRUE(faults_of("5.10.0-13-amd64", "#1 SMP Debian 5.10.106-1 (2022-03-17)")
                  .first_memory_of_a_zone_is_lost);
}

TEST(KernelFaults, ASpinningBalloon) {
  for (const auto* bad :
       {"4.19.209", "4.19.210", "5.4.150", "5.4.152", "5.10.70", "5.10.72", "5.14.9", "5.14.11"}) {
    EXPECT_TRUE(faults_of(bad).balloon_spins) << bad;
  }
  for (const auto* good : {"4.19.208", "4.19.211", "5.4.149", "5.4.153", "5.10.69", "5.10.73",
                           "5.14.8", "5.14.12", "5.14.0-362.el9", "6.1.158"}) {
    EXPECT_FALSE(faults_of(good).balloon_spins) << good;
  }
}

}  // namespace
}  // namespace memctl::plan
