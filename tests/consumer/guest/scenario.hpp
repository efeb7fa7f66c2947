// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Simulated hosts for the programs of these tests.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

/// A file that describes a simulated host; gone at the end.
class Scenario {
 public:
  explicit Scenario(const std::string& description) : path_{next()} {
    std::ofstream{path_} << description;
  }
  ~Scenario() { std::filesystem::remove(path_); }
  Scenario(const Scenario&) = delete;
  Scenario& operator=(const Scenario&) = delete;

  [[nodiscard]] std::string uri() const { return "sim:" + path_.string(); }

 private:
  static std::filesystem::path next() {
    static int count = 0;
    return std::filesystem::temp_directory_path() /
           ("memctl-guest-" + std::to_string(::getpid()) + "-" + std::to_string(++count) + ".json");
  }
  std::filesystem::path path_;
};
