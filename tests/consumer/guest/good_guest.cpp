// SPDX-License-Identifier: LGPL-2.1-or-later
//
// good_guest CHECK REPORT: a program with threads, signal handlers and children of its own, which
// looks whether the library leaves them alone. It writes what is wrong into the file REPORT, and
// nothing to its outputs: whatever appears there was written by the library.
#include <spawn.h>
#include <sys/wait.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <locale>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <memctl/host.hpp>

#include "process.hpp"
#include "scenario.hpp"

using namespace memctl::literals;
using memctl::Cause;
using memctl::Host;
using memctl::Operation;

namespace {

std::vector<std::string> faults;

void expect(bool good, const std::string& what, int line) {
  if (!good) faults.push_back("line " + std::to_string(line) + ": not so: " + what);
}
#define EXPECT(what) expect(static_cast<bool>(what), #what, __LINE__)

void expect_equal(const std::string& is, const std::string& should, int line) {
  if (is == should) return;
  faults.push_back("line " + std::to_string(line) + ": \"" + is + "\" instead of \"" + should +
                   '"');
}
#define EXPECT_EQUAL(is, should) expect_equal((is), (should), __LINE__)

/// A virtual second takes 50 ms, and the guest "a" grows so slowly that a resize of it is under way
/// until it is cancelled.
constexpr auto slow = R"({"host": "24GiB", "pace": 20, "guests": [
    {"name": "a", "type": "pv", "populated_per_second": "4MiB"},
    {"name": "b", "type": "pvh", "populated_per_second": "64MiB"}]})";

/// Begins a resize, and returns once the guest's memory grows.
Operation grow(const Host& host, const std::string& guest, memctl::Kib size) {
  const auto grows = std::make_shared<std::promise<void>>();
  memctl::ResizeOptions options;
  options.on_event = [grows, told = false](const memctl::Event& event) mutable {
    if (event.phase != memctl::Phase::populate || std::exchange(told, true)) return;
    grows->set_value();
  };
  Operation operation = host.domain(guest).value().resize(size, std::move(options));
  grows->get_future().wait();
  return operation;
}

/// A host with a resize under way, and with a watch. Its end cancels the resize.
struct Busy {
  Host host;
  Operation operation;
  memctl::DomainWatch watch;
};
Busy begin(const std::string& uri) {
  const Host host = Host::open(uri).value();
  return {host, grow(host, "a", 4_GiB), host.watch([](const memctl::DomainChange&) {}).value()};
}

void threads() {
  EXPECT_EQUAL(process::names_of(process::other_threads()), "");
  const Scenario scenario{slow};
  {
    const Busy first = begin(scenario.uri());
    const Busy second = begin(scenario.uri());
    const auto asked = first.host.ask_status_all();
    const auto now = process::other_threads();
    EXPECT(!first.operation.done() && !second.operation.done());
    EXPECT_EQUAL(process::names_of(now), "memctl-host memctl-host");
    for (const auto& thread : now) EXPECT(thread.taken.empty());
    EXPECT(asked.wait());
  }
  EXPECT(process::is_alone_soon());

  // The last handles go on the host's thread, so another thread waits for it.
  std::promise<void> others_gone;
  {
    const Host host = Host::open("sim:").value();
    const Operation operation = host.domain("demo-pv").value().resize(2_GiB);
    operation.on_end([host, operation, gone = others_gone.get_future().share()] { gone.wait(); });
  }
  others_gone.set_value();
  EXPECT(process::is_alone_soon());
}

volatile std::sig_atomic_t heard = 0;
volatile std::sig_atomic_t heard_elsewhere = 0;

void hear(int /*signal*/) {
  heard = heard + 1;
  if (::gettid() != ::getpid()) heard_elsewhere = heard_elsewhere + 1;
}

void handle(int number, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  ::sigaddset(&action.sa_mask, SIGUSR2);
  ::sigaction(number, &action, nullptr);
}

void signals() {
  for (const int number : {SIGCHLD, SIGPIPE, SIGUSR1, SIGTERM, SIGRTMIN}) handle(number, hear);
  handle(SIGHUP, SIG_IGN);
  sigset_t some;
  ::sigemptyset(&some);
  ::sigaddset(&some, SIGUSR2);
  ::pthread_sigmask(SIG_BLOCK, &some, nullptr);
  const std::string before = process::belongings();
  const Scenario scenario{slow};
  {
    const Busy busy = begin(scenario.uri());
    EXPECT_EQUAL(process::belongings(), before);
    for (int each = 0; each < 1000; ++each) ::sigqueue(::getpid(), SIGRTMIN, {});
    EXPECT_EQUAL(std::to_string(heard), "1000");
    EXPECT_EQUAL(std::to_string(heard_elsewhere), "0");
    EXPECT(busy.host.domain("b").value().status());
  }
  EXPECT_EQUAL(process::belongings(), before);
}

/// A child that ends with `status` once nobody has the pipe's other end open.
pid_t spawn_child(int pipe, int other_end, int status) {
  std::string command = "read line; exit " + std::to_string(status);
  std::string shell = "sh";
  std::string option = "-c";
  char* arguments[] = {shell.data(), option.data(), command.data(), nullptr};
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, pipe, STDIN_FILENO);
  ::posix_spawn_file_actions_addclose(&actions, other_end);
  pid_t child = -1;
  EXPECT(::posix_spawnp(&child, "sh", &actions, nullptr, arguments, environ) == 0);
  ::posix_spawn_file_actions_destroy(&actions);
  return child;
}

void children() {
  handle(SIGCHLD, hear);
  const Scenario scenario{slow};
  const Busy busy = begin(scenario.uri());
  EXPECT(::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD);  // the library has none
  int ends[2] = {-1, -1};
  EXPECT(::pipe(ends) == 0);
  std::map<pid_t, int> statuses;
  for (int status = 1; status <= 20; ++status) {
    statuses.emplace(spawn_child(ends[0], ends[1], status), status);
  }
  ::close(ends[0]);
  ::close(ends[1]);
  for (const auto& [child, status] : statuses) {
    siginfo_t ended{};
    int waited = -1;
    do {
      waited = ::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT);
    } while (waited != 0 && errno == EINTR);
    EXPECT(waited == 0 && ended.si_status == status);
  }
  EXPECT(!busy.operation.done());
  EXPECT(heard > 0 && heard_elsewhere == 0);
  // With all of them waiting to be reaped, a whole resize reaps none.
  const Host fast = Host::open("sim:").value();
  EXPECT(fast.domain("demo-pvh").value().resize(2_GiB).wait());
  busy.operation.cancel();
  EXPECT(!busy.operation.wait());
  for (const auto& [child, status] : statuses) {
    int ended = 0;
    EXPECT(::waitpid(child, &ended, 0) == child);
    EXPECT(WIFEXITED(ended) && WEXITSTATUS(ended) == status);
  }
  EXPECT(::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD);
}

/// Everything that can be asked of a guest. What comes of it is not the matter here.
void try_everything(const Host& host, const std::string& guest) {
  const auto found = host.domain(guest);
  if (!found) return;
  const memctl::Domain& domain = found.value();
  static_cast<void>(domain.status());
  static_cast<void>(domain.doctor());
  static_cast<void>(domain.plan_resize(512_MiB));
  static_cast<void>(domain.recover());
  for (const auto size : {memctl::Kib{512_MiB}, memctl::Kib{1_MiB}, memctl::Kib{200_MiB}}) {
    memctl::ResizeOptions options;
    options.on_event = [](const memctl::Event&) {};
    static_cast<void>(domain.resize(size, std::move(options)).wait());
  }
}

/// All that goes wrong: it is told by values, never by a text on an output or by the process's end.
void silence() {
  for (const auto* uri : {"", "xen:", "xen:somewhere", "sim:/", "sim:/nowhere", "luck:"}) {
    static_cast<void>(Host::open(uri));
  }
  for (const auto* damaged : {"", "{", "[]", "\xff\xfe\xfd", R"({"guests": 5})", R"({"luck": 1})",
                              R"({"guests": [{"name": "a", "memory": "much"}]})",
                              R"({"guests": [{"name": "a", "memory": "9999999999999GiB"}]})"}) {
    const Scenario scenario{damaged};
    EXPECT(!Host::open(scenario.uri()));
  }
  for (const std::string conduct :
       {"absent", "killed", "garbage", "huge", "lying", "stale", "flooding", "deleting", "fleeting",
        "chattering", "dripping", "owing"}) {
    const Scenario scenario{R"({"host": "4GiB", "guests": [{"name": "a", "agent": ")" + conduct +
                            "\"}]}"};
    try_everything(Host::open(scenario.uri()).value(), "a");
  }
  for (const std::string journal : {"", "x", "{}", "[1]", R"({\"version\":99})"}) {
    const Scenario scenario{R"({"host": "4GiB", "guests": [{"name": "a", "journal": ")" + journal +
                            "\"}]}"};
    try_everything(Host::open(scenario.uri()).value(), "a");
  }
  for (const std::string action : {"reboot", "crash", "destroy", "pause", "begin-save",
                                   "kill-agent", "hold-libxl-lock", "save-restore"}) {
    const Scenario scenario{R"({"host": "4GiB", "guests": [{"name": "a"}], "actions": [
        {"at": 0.5, "guest": "a", "do": ")" +
                            action + "\"}]}"};
    try_everything(Host::open(scenario.uri()).value(), "a");
  }
  memctl::HostOptions noisy;
  noisy.on_log = [](const memctl::LogLine&) { throw std::runtime_error{"out of paper"}; };
  const Host host = Host::open("sim:", std::move(noisy)).value();
  const auto watch = host.watch([](const memctl::DomainChange&) { throw 42; });
  EXPECT(watch);
  memctl::ResizeOptions options;
  options.on_event = [](const memctl::Event&) { throw std::runtime_error{"out of luck"}; };
  const Operation operation = host.domain("demo-pv").value().resize(2_GiB, std::move(options));
  operation.on_end([] { throw std::runtime_error{"at the end"}; });
  const auto ended = operation.wait();
  EXPECT(!ended && ended.error().cause == Cause::cancelled);
}

[[noreturn]] void own_terminate() { std::abort(); }
void own_new_handler() { throw std::bad_alloc{}; }

void belongings() {
  ::setenv("GUEST", "good", 1);
  ::umask(027);
  std::filesystem::current_path("/");
  EXPECT(std::setlocale(LC_ALL, "C.UTF-8") != nullptr);
  std::locale::global(std::locale{"C.UTF-8"});
  std::set_terminate(own_terminate);
  std::set_new_handler(own_new_handler);
  const std::string before = process::belongings();
  const std::size_t descriptors = process::descriptors();
  const std::string locale = std::locale{}.name();
  const Scenario scenario{slow};
  {
    const Busy busy = begin(scenario.uri());
    const Host fast = Host::open("sim:").value();
    EXPECT(fast.domain("demo-pvh").value().resize(2_GiB).wait());
    EXPECT_EQUAL(process::belongings(), before);
    EXPECT_EQUAL(std::locale{}.name(), locale);
  }
  EXPECT_EQUAL(process::belongings(), before);
  EXPECT(process::descriptors() == descriptors);
}

/// The log of a host; its thread writes it.
class Lines {
 public:
  [[nodiscard]] memctl::LogCallback callback() {
    return [this](const memctl::LogLine& line) {
      const std::lock_guard lock{mutex_};
      text_ += line.message + "\n";
    };
  }
  [[nodiscard]] bool has(const std::string& word) const {
    const std::lock_guard lock{mutex_};
    return text_.find(word) != std::string::npos;
  }

 private:
  mutable std::mutex mutex_{};
  std::string text_{};
};

Host open_with(const std::string& uri, memctl::Kib maximum, Lines& lines) {
  memctl::HostOptions options;
  options.on_log = lines.callback();
  options.policy.domains = {{.name = "*", .minimum = {}, .maximum = maximum}};
  return Host::open(uri, std::move(options)).value();
}

std::string cause_of(const memctl::Result<memctl::Report>& result) {
  return result ? "none" : std::string{name(result.error().cause)};
}

/// Two hosts in one process share nothing: policy, log, errors, guests and end are their own.
void two_hosts() {
  const Scenario first{R"({"host": "24GiB", "guests": [{"name": "east", "type": "pv"}]})"};
  const Scenario second{R"({"host": "24GiB", "pace": 20, "guests": [
      {"name": "west", "type": "pv", "populated_per_second": "1MiB"}]})"};
  Lines east_log;
  Lines west_log;
  const Host west = open_with(second.uri(), 4_GiB, west_log);
  {
    const Host east = open_with(first.uri(), 512_MiB, east_log);
    const Operation long_one = grow(west, "west", 1_GiB);
    EXPECT_EQUAL(cause_of(east.domain("east").value().resize(1_GiB).wait()), "above_policy");
    EXPECT(!east.domain("west") && !west.domain("east"));
    EXPECT(east.set_policy({}));
    EXPECT_EQUAL(cause_of(east.domain("east").value().resize(8_GiB).wait()), "none");
    EXPECT_EQUAL(cause_of(west.domain("west").value().resize(2_GiB).wait()), "busy");
    EXPECT(!long_one.done());
  }
  const Operation later = west.domain("west").value().resize(8_GiB);
  const auto refused = later.wait();
  EXPECT(!refused && refused.error().message.find("east") == std::string::npos);
  EXPECT(east_log.has("east") && !east_log.has("west"));
  EXPECT(west_log.has("west") && !west_log.has("east"));

  // The same description twice makes two worlds.
  const Host one = Host::open(first.uri()).value();
  const Host other = Host::open(first.uri()).value();
  EXPECT(one.domain("east").value().resize(1_GiB).wait());
  EXPECT(other.domain("east").value().status().value().allocated < 200_MiB);
}

/// One host is closed while a resize is under way on another.
void closing_one() {
  const Scenario scenario{slow};
  const Host kept = Host::open(scenario.uri()).value();
  const Operation going_on = grow(kept, "b", 1_GiB);
  for (int each = 0; each < 3; ++each) {
    const Busy closed = begin(scenario.uri());
    EXPECT(!closed.operation.done());
  }
  EXPECT_EQUAL(cause_of(going_on.wait()), "none");
}

}  // namespace

int main(int count, char** arguments) {
  const std::map<std::string, std::function<void()>> checks{
      {"threads", threads},        {"signals", signals},       {"children", children},
      {"silence", silence},        {"belongings", belongings}, {"two-hosts", two_hosts},
      {"closing-one", closing_one}};
  if (count != 3 || !checks.contains(arguments[1])) return 2;
  checks.at(arguments[1])();
  std::ofstream report{arguments[2]};
  for (const std::string& fault : faults) report << fault << '\n';
  report << "looked\n";
  return faults.empty() ? 0 : 1;
}
