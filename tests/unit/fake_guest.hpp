// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <sys/personality.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace memctl::test {

/// A new directory, which is removed at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "memctl-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// While it stands, uname tells this thread of a kernel of 32 bits, as setarch(8) does.
class AsI686 {
 public:
  AsI686() : before_{::personality(PER_LINUX32)} {}
  ~AsI686() { ::personality(static_cast<unsigned long>(before_)); }
  AsI686(const AsI686&) = delete;
  AsI686& operator=(const AsI686&) = delete;

 private:
  int before_;
};

/// The files of /sys and /proc that the agent knows, as Linux 6.1 prints them in a pv guest of
/// 160 MiB. They are plain files: they keep what the agent writes, and nothing reacts to it.
class FakeGuest {
 public:
  explicit FakeGuest(std::filesystem::path root) : root_{std::move(root)} {
    set("sys/devices/system/memory/block_size_bytes", "8000000\n");
    set_policy("offline\n");
    set("sys/devices/system/memory/probe", "");
    set("sys/devices/system/memory/power/control", "auto\n");
    set_balloon(163840, 163840);
    set("proc/sys/kernel/osrelease", "6.1.0-18-amd64\n");
    set("proc/sys/xen/balloon/hotplug_unpopulated", "0\n");
    set("proc/meminfo",
        "MemTotal:         129124 kB\nMemFree:           83120 kB\nMemAvailable:      80012 kB\n"
        "Buffers:               0 kB\nHugePages_Total:       0\n");
    set("proc/zoneinfo", zoneinfo);
    set("proc/pressure/memory",
        "some avg10=1.25 avg60=0.50 avg300=0.00 total=1200\n"
        "full avg10=0.75 avg60=0.20 avg300=0.00 total=800\n");
    add_block(0, "online\n", "DMA\n");
    add_block(1, "online\n", "DMA32\n");
  }

  void set(const std::string& name, std::string_view value) const {
    const auto path = root_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream{path} << value;
  }
  [[nodiscard]] std::string get(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream{root_ / name}.rdbuf();
    return text.str();
  }
  void add_block(int id, std::string_view state, std::string_view zones) const {
    set(block(id) + "state", state);
    set(block(id) + "valid_zones", zones);
  }
  [[nodiscard]] std::string state(int id) const { return get(block(id) + "state"); }
  void refuse_block(int id) const {
    // Not even root can open a directory for writing.
    std::filesystem::create_directories(root_ / (block(id) + "state"));
  }
  void set_policy(std::string_view policy) const {
    set("sys/devices/system/memory/auto_online_blocks", policy);
  }
  [[nodiscard]] std::string policy() const {
    return get("sys/devices/system/memory/auto_online_blocks");
  }
  void set_balloon(long target_kib, long current_kib) const {
    const std::string balloon = "sys/devices/system/xen_memory/xen_memory0/";
    set(balloon + "target_kb", std::to_string(target_kib) + '\n');
    set(balloon + "info/current_kb", std::to_string(current_kib) + '\n');
    set(balloon + "info/low_kb", "2048\n");
    set(balloon + "info/high_kb", "0\n");
  }
  void remove(const std::string& name) const { std::filesystem::remove_all(root_ / name); }
  [[nodiscard]] std::string root() const { return root_.string(); }

  static constexpr std::string_view zoneinfo =
      "Node 0, zone      DMA\n"
      "  per-node stats\n"
      "      nr_inactive_anon 12\n"
      "      nr_inactive_file 2834\n"
      "      nr_slab_reclaimable 1000\n"
      "      nr_slab_unreclaimable 5907\n"
      "  pages free     900\n"
      "        boost    0\n"
      "        min      55\n"
      "        protection: (0, 3019, 4555, 4555, 4555)\n"
      "      nr_free_pages 900\n"
      "      nr_free_pages_blocks 512\n"
      "      nr_zone_inactive_anon 0\n"
      "      nr_zone_inactive_file 10\n"
      "      nr_zone_active_file 20\n"
      "  pagesets\n"
      "    cpu: 0\n"
      "              count: 0\n"
      "Node 0, zone    DMA32\n"
      "  pages free     20000\n"
      "        protection: (0, 0, 93, 4000, 4000)\n"
      "      nr_free_pages 20000\n"
      "      nr_zone_inactive_file 300\n"
      "      nr_zone_active_file 400\n"
      "Node 0, zone   Normal\n"
      "  pages free     0\n"
      "Node 0, zone  Movable\n"
      "  pages free     70000\n"
      "      nr_free_pages 70000\n"
      "      nr_zone_inactive_file 5000\n"
      "      nr_zone_active_file 5000\n"
      "Node 0, zone   Device\n"
      "  pages free     0\n";

 private:
  static std::string block(int id) {
    return "sys/devices/system/memory/memory" + std::to_string(id) + '/';
  }
  std::filesystem::path root_;
};

}  // namespace memctl::test
