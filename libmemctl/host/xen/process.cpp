// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/xen/process.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <iterator>
#include <sstream>
#include <vector>

namespace memctl::host::xen {
namespace {

namespace fs = std::filesystem;

std::string contents(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

template <class Number>
std::optional<Number> whole_number(std::string_view text) {
  Number number{};
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

std::string boot_id(const fs::path& proc) {
  std::string id = contents(proc / "sys/kernel/random/boot_id");
  id.erase(std::ranges::find(id, '\n'), id.end());
  return id;
}

struct Stat {
  char state{};
  std::string start_time{};
};

/// Field 2 is the command's name in parentheses and may contain anything, parentheses and spaces
/// too: the fields are counted from the last closing one. State is field 3, the start time 22.
std::optional<Stat> read_stat(pid_t pid, const fs::path& proc) {
  const std::string text = contents(proc / std::to_string(pid) / "stat");
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields{text.substr(name_end + 1)};
  const std::vector<std::string> from_third{std::istream_iterator<std::string>{fields}, {}};
  if (from_third.size() < 20 || from_third[0].size() != 1) return std::nullopt;
  return Stat{.state = from_third[0][0], .start_time = from_third[19]};
}

std::string name_of(pid_t pid, const fs::path& proc, const Stat& stat) {
  return boot_id(proc) + ":" + std::to_string(pid) + ":" + stat.start_time;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const auto end = std::min(text.find(separator), text.size());
    parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

}  // namespace

std::string this_process(const fs::path& proc) {
  const pid_t pid = getpid();
  return name_of(pid, proc, read_stat(pid, proc).value_or(Stat{}));
}

bool is_process_alive(const std::string& name, const fs::path& proc) {
  const auto parts = split(name, ':');
  if (parts.size() != 3 || parts[0] != boot_id(proc)) return false;
  const auto pid = whole_number<pid_t>(parts[1]);
  if (!pid || *pid <= 0) return false;
  if (const auto stat = read_stat(*pid, proc)) {
    const bool ended = stat->state == 'Z' || stat->state == 'X';
    return !ended && name_of(*pid, proc, *stat) == name;
  }
  return kill(*pid, 0) == 0 || errno == EPERM;
}

// libxl starts `libxl-save-helper --save-domain STREAM-FD BACK-CHANNEL-FD DOMID FLAGS CALLBACKS
// STREAM-TYPE` for each save and each migration that leaves (read in Xen 4.17, libxl_save_callout.c
// and libxl_save_helper.c). The receiving side runs it with --restore-domain.
std::optional<DomainId> domain_being_saved(std::string_view cmdline) {
  const auto arguments = split(cmdline, '\0');
  if (arguments.size() < 5 || arguments[1] != "--save-domain") return std::nullopt;
  const auto slash = arguments[0].rfind('/');
  const auto program =
      slash == std::string_view::npos ? arguments[0] : arguments[0].substr(slash + 1);
  if (program != "libxl-save-helper") return std::nullopt;
  const auto id = whole_number<std::uint32_t>(arguments[4]);
  if (!id) return std::nullopt;
  return DomainId{*id};
}

Result<bool> is_being_saved(DomainId domain, const fs::path& proc) {
  std::error_code error;
  fs::directory_iterator entry{proc, error};
  for (; !error && entry != fs::directory_iterator{}; entry.increment(error)) {
    if (!whole_number<pid_t>(entry->path().filename().native())) continue;
    if (domain_being_saved(contents(entry->path() / "cmdline")) == domain) return true;
  }
  if (error) {
    return Error{.cause = Cause::hypervisor_error,
                 .message = "cannot look for a save of the domain in " + proc.native() + ": " +
                            error.message(),
                 .raw = error.value()};
  }
  return false;
}

}  // namespace memctl::host::xen
