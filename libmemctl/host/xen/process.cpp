// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/xen/process.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <iterator>
#include <sstream>
#include <utility>
#include <vector>

#include "host/xen/file.hpp"

namespace memctl::host::xen {
namespace {

namespace fs = std::filesystem;

template <class Number>
std::optional<Number> whole_number(std::string_view text) {
  Number number{};
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

// The most that these files hold, with room to spare. Other users choose what some of them hold.
constexpr std::size_t most_of_boot_id = 64;
constexpr std::size_t most_of_name = 64;    // a kernel thread's; a program's has 15 bytes
constexpr std::size_t most_of_stat = 1024;  // the name and 51 numbers
/// A save helper's command line has some 80 bytes.
constexpr std::size_t most_of_command = 512;
/// The user numbers of a process are within the first 300 bytes of its status.
constexpr std::size_t begin_of_status = 512;
/// NSpid follows the groups. No owner of an operation is in 5,000 of them.
constexpr std::size_t most_of_status = 65536;

std::string boot_id(const fs::path& proc) {
  std::string id = text_of(proc / "sys/kernel/random/boot_id", most_of_boot_id);
  id.erase(std::ranges::find(id, '\n'), id.end());
  return id;
}

struct Stat {
  char state{};
  std::string threads{};
  std::string start_time{};
};

/// Field 2 is the command's name in parentheses. It may contain anything, also parentheses and
/// spaces, so the fields are counted from the last closing parenthesis. Field 3 is the state, field
/// 20 the number of threads, field 22 the start time.
std::optional<Stat> read_stat(const fs::path& process) {
  const std::string text = text_of(process / "stat", most_of_stat);
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields{text.substr(name_end + 1)};
  const std::vector<std::string> from_third{std::istream_iterator<std::string>{fields}, {}};
  if (from_third.size() < 20 || from_third[0].size() != 1) return std::nullopt;
  return Stat{.state = from_third[0][0], .threads = from_third[17], .start_time = from_third[19]};
}

/// The kernel's number of a process's PID namespace. Empty: it cannot be read.
std::string pid_namespace(const fs::path& process) {
  std::error_code error;
  std::string text = fs::read_symlink(process / "ns/pid", error).native();  // "pid:[4026531836]"
  std::erase_if(text, [](char c) { return c < '0' || c > '9'; });
  return text;
}

/// The PID namespace of the machine's first process, which contains every process.
constexpr std::string_view first_namespace = "4026531836";

/// The parts of a process's name.
struct Named {
  std::string_view boot{};
  pid_t pid{};
  std::string_view start_time{};
  std::string_view pid_namespace{};
};

/// The number that a process has in its own namespace: the last number in its NSpid.
std::optional<pid_t> inner_pid(const fs::path& process) {
  std::istringstream status{text_of(process / "status", most_of_status)};
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with("NSpid:")) continue;
    const auto last = line.find_last_of("\t ");
    return whole_number<pid_t>(std::string_view{line}.substr(last + 1));
  }
  return std::nullopt;
}

/// If the first thread of a process has ended and other threads run, /proc shows a zombie.
bool runs(const Stat& stat) {
  return stat.state == 'Z' ? whole_number<int>(stat.threads) > 1 : stat.state != 'X';
}

bool is_same_and_runs(const Stat& stat, const Named& named) {
  return stat.start_time == named.start_time && runs(stat);
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

std::optional<Named> parse(std::string_view name) {
  const auto parts = split(name, ':');
  if (parts.size() != 3 && parts.size() != 4) return std::nullopt;
  const auto pid = whole_number<pid_t>(parts[1]);
  if (!pid || *pid <= 0) return std::nullopt;
  return Named{.boot = parts[0],
               .pid = *pid,
               .start_time = parts[2],
               .pid_namespace = parts.size() == 4 ? parts[3] : std::string_view{}};
}

/// Whether this /proc gives processes the numbers that they have in our namespace. A /proc that was
/// mounted in another namespace does not.
bool numbers_as_we_do(const fs::path& proc) {
  std::error_code error;
  const fs::path self = fs::read_symlink(proc / "self", error);
  return error || self.native() == std::to_string(getpid());
}

/// Calls `look` with the directory and the number of each process. Returns why /proc cannot be
/// read.
template <class Look>
std::error_code each_process(const fs::path& proc, Look look) {
  std::error_code error;
  fs::directory_iterator entry{proc, error};
  for (; !error && entry != fs::directory_iterator{}; entry.increment(error)) {
    const auto pid = whole_number<pid_t>(entry->path().filename().native());
    if (pid) look(entry->path(), *pid);
  }
  return error;
}

/// Whether a process has root's rights. Its directory belongs to its effective user, so a process
/// of anybody else costs one stat, whatever its files hold.
bool has_rights_of(uid_t root, const fs::path& process) {
  struct stat status {};
  return ::stat(process.c_str(), &status) == 0 && status.st_uid == root;
}

/// How long ago the process began. Nothing: it has ended.
std::optional<std::chrono::seconds> age_of(const fs::path& process) {
  const auto stat = read_stat(process);
  const auto ticks = stat ? whole_number<std::int64_t>(stat->start_time) : std::nullopt;
  if (!ticks) return std::nullopt;
  std::timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return std::chrono::seconds{now.tv_sec - *ticks / ::sysconf(_SC_CLK_TCK)};
}

/// The name that the kernel gives a process: the first 15 bytes of its program's name, or of a
/// script's.
std::string name_of(const fs::path& process) {
  std::string name = text_of(process / "comm", most_of_name);
  name.erase(std::ranges::find(name, '\n'), name.end());
  return name;
}

bool belongs_to_root(const fs::path& process) {
  return is_roots_own(beginning_of(process / "status", begin_of_status));
}

/// Looks through all processes, because the process has another number in this /proc. If this
/// namespace, `here`, may not contain the process, it may still be alive.
bool is_alive_elsewhere(const Named& named, std::string_view here, const fs::path& proc) {
  bool found = false;
  const auto error = each_process(proc, [&](const fs::path& process, pid_t) {
    if (found || pid_namespace(process) != named.pid_namespace) return;
    if (inner_pid(process) != named.pid) return;
    const auto stat = read_stat(process);
    found = stat && is_same_and_runs(*stat, named);
  });
  return found || error || (here != first_namespace && here != named.pid_namespace);
}

}  // namespace

std::string this_process(const fs::path& proc) {
  // Read `self`, because /proc may belong to another namespace, in which another process has our
  // number.
  const fs::path self = proc / "self";
  return boot_id(proc) + ":" + std::to_string(getpid()) + ":" +
         read_stat(self).value_or(Stat{}).start_time + ":" + pid_namespace(self);
}

bool is_process_alive(const std::string& name, const fs::path& proc) {
  const auto named = parse(name);
  if (!named || named->boot != boot_id(proc)) return false;
  const std::string here = pid_namespace(proc / "self");
  if (named->pid_namespace != here || !numbers_as_we_do(proc)) {
    return is_alive_elsewhere(*named, here, proc);
  }
  if (const auto stat = read_stat(proc / std::to_string(named->pid))) {
    return is_same_and_runs(*stat, *named);
  }
  return kill(named->pid, 0) == 0 || errno == EPERM;
}

// For each save and each outgoing migration, libxl starts `libxl-save-helper --save-domain
// STREAM-FD BACK-CHANNEL-FD DOMID FLAGS CALLBACKS STREAM-TYPE` (read in Xen 4.17,
// libxl_save_callout.c and libxl_save_helper.c). The receiving side runs it with --restore-domain.
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

bool is_roots_own(std::string_view status) {
  constexpr std::string_view label = "\nUid:";
  const auto found = status.find(label);
  if (found == std::string_view::npos) return false;
  const std::string_view rest = status.substr(found + label.size());
  std::istringstream users{std::string{rest.substr(0, rest.find('\n'))}};
  const std::vector<std::string> all{std::istream_iterator<std::string>{users}, {}};
  return all == std::vector<std::string>(4, "0");
}

std::optional<std::string> name_if_roots(const fs::path& process) {
  if (!belongs_to_root(process)) return std::nullopt;
  return name_of(process);
}

SaveHelpers::SaveHelpers(fs::path proc, uid_t root) : proc_{std::move(proc)}, root_{root} {}

Result<std::vector<DomainId>> SaveHelpers::find(TimePoint now) {
  constexpr std::string_view helper = "libxl-save-help";
  constexpr std::chrono::seconds settled{10};
  // Linux gives numbers in turn. Within this time it does not come round to the same number.
  constexpr std::chrono::milliseconds numbers_last{250};
  if (now - looked_at_ > numbers_last) others_.clear();
  looked_at_ = now;
  const auto earlier = std::exchange(others_, {});

  std::vector<DomainId> saved;
  const auto error = each_process(proc_, [&](const fs::path& process, pid_t pid) {
    if (earlier.contains(pid)) {
      others_.insert(pid);
      return;
    }
    if (!has_rights_of(root_, process)) return;
    // The name is read first: it needs nothing of the process itself, whose memory can be held up.
    if (name_of(process) == helper) {
      const auto domain = domain_being_saved(text_of(process / "cmdline", most_of_command));
      if (domain && belongs_to_root(process)) saved.push_back(*domain);
    } else if (age_of(process) > settled) {
      others_.insert(pid);
    }
  });
  if (error) {
    return Error{
        .cause = Cause::hypervisor_error,
        .message = "cannot look for saves of domains in " + proc_.native() + ": " + error.message(),
        .raw = error.value()};
  }
  return saved;
}

std::optional<std::vector<std::string>> running_memory_managers(const fs::path& proc, uid_t root) {
  struct Program {
    std::string_view process;
    const char* manager;
  };
  constexpr std::array<Program, 4> programs{{{"qmemman", "qmemman"},
                                             {"qmemmand", "qmemman"},
                                             {"qmemman_daemon.", "qmemman"},
                                             {"squeezed", "squeezed"}}};
  std::vector<std::string> running;
  const auto error = each_process(proc, [&](const fs::path& process, pid_t) {
    if (!has_rights_of(root, process)) return;
    const auto* found = std::ranges::find(programs, name_of(process), &Program::process);
    if (found == programs.end() || std::ranges::find(running, found->manager) != running.end())
      return;
    const auto stat = read_stat(process);
    if (stat && runs(*stat) && belongs_to_root(process)) running.emplace_back(found->manager);
  });
  if (error) return std::nullopt;
  std::ranges::sort(running);
  return running;
}

}  // namespace memctl::host::xen
