// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The agent's program as it is installed, with a fake xenstored and a fake kernel: what `agent.py`
// runs. The kernel's uevents are real, if this process may cause some: Linux sends one for each
// write to a device's file `uevent`, and root may write there.
#include <fcntl.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/facts.hpp"
#include "guest/message.hpp"
#include "unit/fake_guest.hpp"
#include "unit/fake_xenstored.hpp"

namespace memctl {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr const char* real_uevent = "/sys/devices/system/memory/memory0/uevent";

class RunningAgent {
 public:
  explicit RunningAgent(const char* program) {
    process_ = ::fork();
    if (process_ == 0) {
      ::setenv("XENSTORED_PATH", socket_.c_str(), 1);
      ::execl(program, "memctl-agent", "--root", guest.root().c_str(), "--run-directory",
              directory_.path().c_str(), nullptr);
      ::_exit(127);
    }
    const bool ready =
        store.wait([](const auto& nodes) { return nodes.contains("data/memctl/hello"); });
    if (!ready) std::exit(1);
  }
  RunningAgent(const RunningAgent&) = delete;
  RunningAgent& operator=(const RunningAgent&) = delete;
  ~RunningAgent() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }

  /// The number behind a key of /proc/PID/status.
  [[nodiscard]] long status(std::string_view key) const {
    std::ifstream file{"/proc/" + std::to_string(process_) + "/status"};
    for (std::string line; std::getline(file, line);) {
      if (line.starts_with(key)) return std::atol(line.c_str() + key.size() + 1);
    }
    return -1;
  }
  /// How often it went to sleep, which is how often it was woken.
  [[nodiscard]] long wakes() const { return status("voluntary_ctxt_switches"); }

  /// Begins an operation, and waits until the agent serves it.
  void prepare() {
    const AgentRequest request{.operation = 7,
                               .sequence = ++sequence_,
                               .kind = RequestKind::prepare,
                               .target = 1_GiB,
                               .lease_seconds = 60};
    store.set("control/memctl/request", guest::encode(request));
    store.wait([&](const auto& nodes) {
      const auto found = nodes.find("data/memctl/report");
      const auto report = found == nodes.end() ? std::nullopt : guest::decode_report(found->second);
      return report && report->request == request.sequence;
    });
  }

 private:
  test::TemporaryDirectory directory_;
  std::string socket_{(directory_.path() / "socket").string()};
  std::uint64_t sequence_{0};
  pid_t process_{-1};

 public:
  test::FakeGuest guest{directory_.path() / "root"};
  test::FakeXenstored store{socket_};
};

int idle(const char* program, std::chrono::seconds time) {
  const RunningAgent agent{program};
  std::this_thread::sleep_for(1s);  // the end of its start
  const long before = agent.wakes();
  std::this_thread::sleep_for(time);
  std::printf(R"({"wakes": %ld, "resident_kib": %ld, "locked_kib": %ld})"
              "\n",
              agent.wakes() - before, agent.status("VmRSS:"), agent.status("VmLck:"));
  return 0;
}

/// From the uevent of a new block to the agent's write of its state, in milliseconds. Below zero:
/// the agent had found the block before the uevent.
double online_one(RunningAgent& agent, int uevent, int block) {
  agent.guest.add_block(block, "offline\n", "Normal Movable\n");
  const std::string state =
      agent.guest.root() + "/sys/devices/system/memory/memory" + std::to_string(block) + "/state";
  const int watch = ::inotify_init1(IN_CLOEXEC);
  ::inotify_add_watch(watch, state.c_str(), IN_MODIFY);
  double took = -1;
  if (agent.guest.state(block) == "offline\n") {
    const auto begun = Clock::now();
    if (::write(uevent, "change", 6) != 6) std::exit(1);
    std::array<char, 4096> event;
    if (::read(watch, event.data(), event.size()) <= 0) std::exit(1);
    took = std::chrono::duration<double, std::milli>(Clock::now() - begun).count();
  }
  ::close(watch);
  return took;
}

/// As in a growth: a stage begins, and its block appears within some tens of milliseconds.
int online(const char* program, int count) {
  const int uevent = ::open(real_uevent, O_WRONLY | O_CLOEXEC);
  if (uevent < 0) {
    std::puts(R"({"ms": []})");
    return 0;
  }
  RunningAgent agent{program};
  std::vector<double> times;
  for (int block = 32; block < 32 + count; ++block) {
    agent.prepare();
    std::this_thread::sleep_for(1ms * (block % 40));
    const double took = online_one(agent, uevent, block);
    if (took >= 0) times.push_back(took);
  }
  std::printf(R"({"ms": [)");
  for (std::size_t each = 0; each < times.size(); ++each) {
    std::printf("%s%.4f", each == 0 ? "" : ", ", times[each]);
  }
  std::puts("]}");
  return 0;
}

}  // namespace
}  // namespace memctl

int main(int count, char** arguments) {
  const std::string_view what = count == 4 ? arguments[1] : "";
  const int number = count == 4 ? std::atoi(arguments[3]) : 0;
  if (what == "idle") return memctl::idle(arguments[2], std::chrono::seconds{number});
  if (what == "online") return memctl::online(arguments[2], number);
  std::fputs("usage: agent_benchmark idle AGENT SECONDS | online AGENT BLOCKS\n", stderr);
  return 2;
}
