// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "host/xen/process.hpp"

namespace memctl::host::xen {

/// A /proc with the files that a test puts into it.
class FakeProc : public testing::Test {
 protected:
  FakeProc() { std::filesystem::create_directories(root_ / "sys/kernel/random"); }
  ~FakeProc() override { std::filesystem::remove_all(root_); }
  void put(const std::filesystem::path& file, std::string_view text) {
    std::filesystem::create_directories((root_ / file).parent_path());
    std::ofstream{root_ / file, std::ios::binary} << text;
  }
  /// A process that looks like a save helper of root's.
  void put_helper(const std::string& pid, std::string_view cmdline) {
    put(pid + "/comm", "libxl-save-help\n");
    put(pid + "/cmdline", cmdline);
    put(pid + "/status", "Name:\tlibxl-save-help\nUid:\t0\t0\t0\t0\n");
  }
  /// Everything in this /proc belongs to whoever runs the tests.
  [[nodiscard]] std::vector<DomainId> saved() const {
    return SaveHelpers{root_, geteuid()}.find(TimePoint{}).value();
  }
  std::filesystem::path root_{std::filesystem::path{testing::TempDir()} /
                              ("memctl-proc-" + std::to_string(getpid()))};
};

}  // namespace memctl::host::xen
