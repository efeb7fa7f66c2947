// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/sysfs_kernel.hpp"

#include <dirent.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <utility>

#include "agent/core/parse.hpp"
#include "agent/file.hpp"

namespace memctl::agent {
namespace {

// A message must not count more blocks.
constexpr std::size_t most_blocks = (std::size_t{1} << 24) - 1;

/// A path that is built on the stack.
class Path {
 public:
  Path(const std::string& directory, const char* name) { print("%s%s", directory.c_str(), name); }
  Path(const std::string& directory, std::uint32_t block, const char* name) {
    print("%smemory%u/%s", directory.c_str(), block, name);
  }
  operator const char*() const { return text_.data(); }  // NOLINT(google-explicit-constructor)

 private:
  template <class... Arguments>
  void print(const char* format, Arguments... arguments) {
    std::snprintf(text_.data(), text_.size(), format, arguments...);
  }
  std::array<char, 512> text_;
};

std::optional<Kib> read_kib(const char* path) {
  std::array<char, 64> buffer;
  const auto text = read_file(path, buffer);
  const auto value = text ? parse_number(*text) : std::nullopt;
  if (!value || *value >= std::uint64_t{1} << 42) return std::nullopt;
  return Kib{static_cast<std::int64_t>(*value)};
}

}  // namespace

SysfsKernel::SysfsKernel(const std::string& root)
    : memory_{root + "/sys/devices/system/memory/"},
      balloon_{root + "/sys/devices/system/xen_memory/xen_memory0/"},
      proc_{root + "/proc/"},
      page_size_{sysconf(_SC_PAGESIZE) / 1024} {
  earlier_.reserve(1024);
}

KernelFacts SysfsKernel::facts() const {
  utsname system{};
  ::uname(&system);
  KernelFacts facts{.release = release(), .build = system.version, .machine = system.machine};
  // Ubuntu's kernels name here the release that they were built from.
  std::array<char, 128> signature;
  if (const auto text = read_file(Path{proc_, "version_signature"}, signature)) {
    facts.build = trimmed(*text);
  }
  std::array<char, 64> buffer;
  if (const auto text = read_file(Path{memory_, "block_size_bytes"}, buffer)) {
    const auto bytes = parse_number(*text, 16);  // hexadecimal without a prefix
    if (bytes && *bytes < std::uint64_t{1} << 52) {
      facts.block_size = Kib{static_cast<std::int64_t>(*bytes >> 10)};
    }
  }
  if (!balloon().current) {
    facts.no_hotplug_reason = "the kernel has no Xen balloon driver";
  } else if (facts.block_size == Kib{}) {
    facts.no_hotplug_reason = "the kernel was built without memory hotplug";
  } else if (!policy()) {
    facts.no_hotplug_reason = "the kernel has no auto_online_blocks";
  } else if (lacks_xen_hotplug(facts.release)) {
    facts.no_hotplug_reason = "the kernel was built without CONFIG_XEN_BALLOON_MEMORY_HOTPLUG";
  }
  facts.hotplug = facts.no_hotplug_reason.empty();
  return facts;
}

/// Kernels with CONFIG_MEMORY_HOTPLUG alone are shipped (Fedora's 5.6.13). Since Linux 4.4 a sysctl
/// exists exactly with Xen's option (drivers/xen/balloon.c). If the kernel is older, or has no
/// sysctl at all, nothing tells.
bool SysfsKernel::lacks_xen_hotplug(std::string_view release) const {
  const auto is_there = [this](const char* name) { return ::access(Path{proc_, name}, F_OK) == 0; };
  return is_at_least(release, 4, 4) && is_there("sys/kernel/osrelease") &&
         !is_there("sys/xen/balloon/hotplug_unpopulated");
}

std::optional<OnlinePolicy> SysfsKernel::policy() const {
  std::array<char, 64> buffer;
  const auto text = read_file(Path{memory_, "auto_online_blocks"}, buffer);
  return text ? policy_named(trimmed(*text)) : std::nullopt;
}

std::string SysfsKernel::release() const {
  std::array<char, 128> buffer;
  if (const auto text = read_file(Path{proc_, "sys/kernel/osrelease"}, buffer)) {
    return std::string{trimmed(*text)};
  }
  utsname system{};
  ::uname(&system);
  return system.release;
}

// Before Linux 5.8, or a release earlier, the policy is `online` or `offline`, and `online` may
// mean the movable zone. With `offline` the agent brings each block online, in the zone that is
// wanted.
OnlinePolicy SysfsKernel::policy_for(OnlineZone zone) const {
  const OnlinePolicy wanted = state_for(zone);
  const bool is_known = wanted == OnlinePolicy::online || is_at_least(release(), 5, 8);
  return is_known ? wanted : OnlinePolicy::offline;
}

OnlinePolicy SysfsKernel::state_for(OnlineZone zone) {
  utsname system{};
  ::uname(&system);
  return agent::policy_for(zone, system.machine);
}

int SysfsKernel::set_policy(OnlinePolicy policy) {
  return write_file(Path{memory_, "auto_online_blocks"}, name(policy));
}

void SysfsKernel::scan(std::vector<Block>& blocks) {
  std::swap(blocks, earlier_);
  blocks.clear();
  const std::unique_ptr<DIR, int (*)(DIR*)> directory{::opendir(memory_.c_str()), &::closedir};
  if (!directory) return;
  while (const dirent* const entry = ::readdir(directory.get())) {
    const auto id = parse_block_name(entry->d_name);
    if (!id || blocks.size() == most_blocks) continue;
    std::array<char, 32> buffer;
    const auto state = read_file(Path{memory_, *id, "state"}, buffer);
    if (!state) continue;  // the block was removed meanwhile
    blocks.push_back({.id = *id, .online = state->starts_with("online")});
  }
  std::ranges::sort(blocks, {}, &Block::id);
  for (Block& block : blocks) {
    if (!block.online) continue;
    const auto known = std::ranges::lower_bound(earlier_, block.id, {}, &Block::id);
    const bool stayed = known != earlier_.end() && known->id == block.id && known->online;
    block.movable = stayed ? known->movable : is_movable(block.id);
  }
}

bool SysfsKernel::is_movable(std::uint32_t block) const {
  std::array<char, 64> buffer;
  const auto zones = read_file(Path{memory_, block, "valid_zones"}, buffer);
  return zones && zones->starts_with("Movable");
}

int SysfsKernel::online(std::uint32_t block, OnlineZone zone) {
  const Path state{memory_, block, "state"};
  const int error = write_file(state, name(state_for(zone)));
  if (error != EINVAL) return error;
  // Linux also returns EINVAL if the policy has brought the block online meanwhile
  // (drivers/base/memory.c).
  std::array<char, 32> buffer;
  const auto now = read_file(state, buffer);
  return now && now->starts_with("online") ? 0 : error;
}

BalloonFigures SysfsKernel::balloon() const {
  return {.target = read_kib(Path{balloon_, "target_kb"}),
          .current = read_kib(Path{balloon_, "info/current_kb"})};
}

void SysfsKernel::figures(AgentReport& report) const {
  MeminfoReader meminfo;
  const Path current{balloon_, "info/current_kb"};
  report.balloon_current = read_kib(current);
  for (int tries = 3; tries > 0; --tries) {
    meminfo = {};
    read_lines(Path{proc_, "meminfo"}, [&](std::string_view line) { meminfo.line(line); });
    // The balloon's thread may have run between the two files. While it moves much, it always has.
    const auto earlier = std::exchange(report.balloon_current, read_kib(current));
    if (report.balloon_current == earlier) break;
  }
  ZoneinfoReader zoneinfo;
  read_lines(Path{proc_, "zoneinfo"}, [&](std::string_view line) { zoneinfo.line(line); });
  PressureReader pressure;
  read_lines(Path{proc_, "pressure/memory"}, [&](std::string_view line) { pressure.line(line); });
  const auto low = read_kib(Path{balloon_, "info/low_kb"});
  const auto high = read_kib(Path{balloon_, "info/high_kb"});
  if (low && high) report.balloon_inflated = *low + *high;
  report.mem_total = meminfo.total;
  report.mem_available = meminfo.available;
  report.kernel_zone_free = zoneinfo.free(page_size_);
  report.kernel_zone_reclaimable = zoneinfo.reclaimable(page_size_);
  report.highmem_free = zoneinfo.high_free(page_size_);
  report.pressure_some_avg10 = pressure.some_avg10;
  report.pressure_full_avg10 = pressure.full_avg10;
}

Kib SysfsKernel::free_memory() const {
  struct sysinfo info {};
  if (::sysinfo(&info) != 0) return Kib{};
  const auto free_units = static_cast<std::uint64_t>(info.freeram);  // 32 bits on 32-bit systems
  return Kib{static_cast<std::int64_t>(free_units * info.mem_unit / 1024)};
}

}  // namespace memctl::agent
