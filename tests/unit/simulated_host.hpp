// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace memctl {

inline constexpr int domain_count = 8;

/// "sim:FILE" with eight guests. A virtual second takes 2 ms, or a real second.
class SimulatedHost : public testing::Test {
 protected:
  SimulatedHost()
      : path_{std::filesystem::temp_directory_path() /
              ("memctl-host-test-" + std::to_string(::getpid()) + ".json")} {
    write("500");
  }
  ~SimulatedHost() override { std::filesystem::remove(path_); }

  /// With so much memory, no guest runs short of it if this process gets little processor time.
  void write_large_guest(const std::string& pace) const {
    std::ofstream{path_} << R"({"host":"24GiB","pace":)" << pace
                         << R"(,"guests":[{"type":"pv","name":"g0","memory":"1GiB"}]})";
  }
  void write(const std::string& pace) const {
    std::string guests;
    for (int each = 0; each < domain_count; ++each) {
      guests += (each == 0 ? "" : ",") + std::string{R"({"name":")"} + guest_name(each) +
                R"(","type":")" + (each % 2 == 0 ? "pv" : "pvh") + R"("})";
    }
    std::ofstream{path_} << R"({"host":"24GiB","pace":)" << pace << R"(,"guests":[)" << guests
                         << "]}";
  }
  void write_guests(const std::vector<std::string>& names) const {
    std::string guests;
    for (const std::string& name : names) {
      guests += std::string{guests.empty() ? "" : ","} + R"({"type":"pv","name":")" + name + "\"}";
    }
    std::ofstream{path_} << R"({"host":"24GiB","guests":[)" << guests << "]}";
  }
  /// Guests "silent0" and so on, whose agents announced themselves and do not answer any more.
  void write_silent(const std::string& pace) const {
    std::string guests;
    for (int each = 0; each < domain_count; ++each) {
      guests += (each == 0 ? "" : ",") +
                std::string{R"({"type":"pv","agent":"killed","name":"silent)"} +
                std::to_string(each) + "\"}";
    }
    std::ofstream{path_} << R"({"host":"24GiB","pace":)" << pace << R"(,"guests":[)" << guests
                         << "]}";
  }
  void write_text(const std::string& description) const { std::ofstream{path_} << description; }
  static std::string guest_name(int each) { return "g" + std::to_string(each); }
  [[nodiscard]] std::string uri() const { return "sim:" + path_.string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace memctl
