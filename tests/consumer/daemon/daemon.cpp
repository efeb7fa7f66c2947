// SPDX-License-Identifier: LGPL-2.1-or-later
//
// daemon [--minutes N] [--resizes N] [--leak memory|descriptor|thread]: a daemon that embeds the
// library, as a toolstack would: with an event loop, logs, watches, children and several hosts. At
// rest it measures what a leak would let grow, and prints it as JSON.
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <memctl/memctl.h>
#include <memctl/callback_queue.hpp>
#include <memctl/host.hpp>

#include "daemon/options.hpp"
#include "guest/scenario.hpp"

using namespace memctl::literals;
using memctl::Host;
using memctl::Operation;
using memctl::Result;
using Clock = std::chrono::steady_clock;

namespace {

constexpr auto description = R"({"host": "32GiB", "guests": [
    {"name": "g0", "type": "pv"}, {"name": "g1", "type": "pvh"},
    {"name": "g2", "type": "hvm", "memory": "512MiB"}, {"name": "g3", "type": "pvh"},
    {"name": "g4", "type": "pv", "agent": "absent"}, {"name": "g5", "agent": "garbage"}]})";
/// In this order they are resized. Those without a good agent are seldom.
constexpr std::array<std::size_t, 14> order{0, 1, 2, 3, 0, 1, 2, 3, 4, 0, 1, 2, 3, 5};

void require(bool good, const char* what) {
  if (!good) throw std::runtime_error{std::string{"not so: "} + what};
}

class Daemon {
 public:
  explicit Daemon(Options options) : options_{std::move(options)} { watch(); }

  void run() {
    const long between = std::max(1L, options_.resizes / 20);
    while (begun_ < options_.resizes || Clock::now() < end()) {
      while (is_due() && !busy_.contains(next())) {
        begin_next();
        if (begun_ % between == 0) measure();
      }
      turn(milliseconds_to_next());
    }
    measure();
    print(counts_, samples_);
  }

 private:
  [[nodiscard]] Clock::time_point due(long resize) const {
    const std::chrono::duration<double, std::ratio<60>> whole{options_.minutes};
    return start_ +
           std::chrono::duration_cast<Clock::duration>(whole * static_cast<double>(resize) /
                                                       static_cast<double>(options_.resizes));
  }
  [[nodiscard]] Clock::time_point end() const { return due(options_.resizes); }
  [[nodiscard]] bool is_due() const {
    return begun_ < options_.resizes && Clock::now() >= due(begun_);
  }
  [[nodiscard]] int milliseconds_to_next() const {
    if (busy_.contains(next())) return -1;  // the next event is the end of a resize
    const auto left = due(begun_) - Clock::now();
    return static_cast<int>(
        std::max<std::int64_t>(0, std::chrono::ceil<std::chrono::milliseconds>(left).count()));
  }

  /// One turn of the event loop.
  void turn(int milliseconds) {
    pollfd waiting{.fd = queue_.fd(), .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, milliseconds) > 0) queue_.dispatch();
  }

  /// The guest whose turn it is.
  [[nodiscard]] std::size_t next() const {
    return order.at(static_cast<std::size_t>(begun_) % order.size());
  }
  void begin_next() {
    begin(next(), begun_);
    leak(options_.leak);
    chores(begun_);
    ++begun_;
  }

  void begin(std::size_t guest, long number) {
    constexpr memctl::Kib sizes[] = {1_GiB, 512_MiB, 2_GiB, 700_MiB, 1536_MiB};
    const memctl::Kib size = number % 13 == 0 ? memctl::Kib{1_TiB} : sizes[number % 5];
    // The handle of the domain is dropped at once.
    const auto domain = host_.domain("g" + std::to_string(guest)).value();
    memctl::ResizeOptions asked;
    asked.on_event = queue_.bind([this](const memctl::Event&) { ++counts_["events"]; });
    const Operation operation = domain.resize(size, std::move(asked));
    busy_.insert(guest);
    operation.on_end(queue_.bind([this, operation, guest] {
      count(operation.wait());
      busy_.erase(guest);
    }));
    if (number % 11 == 0) operation.cancel();
  }

  void count(const Result<memctl::Report>& ended) {
    ++counts_["ended"];
    ++counts_[ended ? "verified" : std::string{name(ended.error().cause)}];
  }

  /// What a daemon does beside resizes. Each has its own rhythm, so that all of them meet.
  void chores(long number) {
    const std::pair<int, void (Daemon::*)()> all[] = {
        {5, &Daemon::ask},           {7, &Daemon::ask_of_all},     {17, &Daemon::change_policy},
        {19, &Daemon::watch},        {23, &Daemon::start_program}, {29, &Daemon::other_host},
        {31, &Daemon::drop_a_queue}, {37, &Daemon::close_early},   {41, &Daemon::speak_c},
#ifndef MEMCTL_NO_WORK_AFTER_FORK
        {43, &Daemon::fork_child},
#endif
    };
    for (const auto& [rhythm, chore] : all) {
      if (number % rhythm == rhythm - 1) (this->*chore)();
    }
  }

  /// Counts the end of a question, which the loop hears of.
  template <class Pending>
  void follow(const Pending& pending, const char* what) {
    ++asked_;
    pending.on_end(queue_.bind([this, pending, what] {
      static_cast<void>(pending.wait());
      ++counts_[what];
      --asked_;
    }));
  }
  void ask() {
    const auto domain = host_.domain("g1").value();
    follow(domain.ask_status(), "statuses");
    follow(domain.ask_plan(4_GiB), "plans");
    follow(domain.ask_doctor(), "diagnoses");
  }
  void ask_of_all() {
    follow(host_.ask_status_all(), "statuses");
    follow(host_.ask_doctor_all(), "diagnoses");
    follow(host_.ask_doctor(), "diagnoses");
  }

  void change_policy() {
    wide_ = !wide_;
    memctl::Policy policy;
    policy.host_reserve = wide_ ? memctl::Kib{} : memctl::Kib{1_GiB};
    policy.domains = {{.name = "g*", .minimum = 64_MiB, .maximum = wide_ ? 64_GiB : 16_GiB}};
    require(static_cast<bool>(host_.set_policy(std::move(policy))), "the policy is good");
    ++counts_["policies"];
  }

  void watch() {
    watch_ = host_.watch([](const memctl::DomainChange&) {}).value();
    ++counts_["watches"];
  }

  void other_host() {
    long lines = 0;
    {
      memctl::HostOptions noisy;
      noisy.on_log = [&lines](const memctl::LogLine&) { ++lines; };
      const Host other = Host::open("sim:", std::move(noisy)).value();
      const auto done = other.domain("demo-pvh").value().resize(2_GiB).wait();
      require(static_cast<bool>(done), "a guest of the other host grows");
    }
    require(lines > 0, "the other host has a log of its own");
    ++counts_["other hosts"];
  }

  /// Callbacks still wait in the queue when it goes.
  void drop_a_queue() {
    const auto dropped = memctl::CallbackQueue::open().value();
    const auto asked = host_.domain("g0").value().ask_status();
    asked.on_end(dropped.bind([asked] {}));
    require(static_cast<bool>(asked.wait()), "a status with a queue that goes");
    ++counts_["dropped queues"];
  }

  void close_early() {
    const Host closed = Host::open(scenario_.uri()).value();
    static_cast<void>(closed.domain("g3").value().resize(2_GiB));
    ++counts_["hosts closed early"];
  }

  void speak_c() {
    memctl_host* host = nullptr;
    memctl_domain* domain = nullptr;
    memctl_report* report = nullptr;
    require(!memctl_host_open("sim:", nullptr, &host), "C opens a host");
    require(!memctl_host_find(host, "demo-pv", &domain), "C finds a guest");
    require(!memctl_domain_resize(domain, MEMCTL_SIZE_RELATIVE, 1 << 18, nullptr, &report),
            "C resizes a guest");
    memctl_report_free(report);
    memctl_error* refused =
        memctl_domain_resize(domain, MEMCTL_SIZE_ABSOLUTE, INT64_C(1) << 40, nullptr, &report);
    require(refused != nullptr, "C is refused");
    memctl_error_free(refused);
    memctl_host_close(host);
    ++counts_["hosts in C"];
  }

  void start_program() {
    std::string program = "true";
    char* arguments[] = {program.data(), nullptr};
    pid_t child = -1;
    require(::posix_spawnp(&child, "true", nullptr, nullptr, arguments, environ) == 0, "a child");
    reap(child);
    ++counts_["programs"];
  }

  /// In a forked child every call is refused at once. Then the child becomes another program.
  void fork_child() {
    const pid_t child = ::fork();
    if (child == 0) {
      ::alarm(60);
      const auto refused = host_.domains();
      const bool good = !refused && refused.error().cause == memctl::Cause::not_permitted &&
                        !host_.domain(memctl::DomainIdentity{}).resize(1_GiB).wait() &&
                        queue_.dispatch() == 0;
      if (good) ::execlp("true", "true", nullptr);
      ::_exit(1);
    }
    reap(child);
    ++counts_["forks"];
  }
  static void reap(pid_t child) {
    int status = -1;
    require(::waitpid(child, &status, 0) == child && status == 0, "the child ends well");
  }

  /// Waits until nothing is under way, and measures.
  void measure() {
    while (!busy_.empty() || asked_ > 0) turn(-1);
    // After its answer the host's thread still tidies up: the second answer comes after that.
    for (int round = 0; round < 2; ++round) require(static_cast<bool>(host_.domains()), "a list");
    queue_.dispatch();
    samples_.push_back(sample(begun_));
  }

  const Options options_;
  const Clock::time_point start_{Clock::now()};
  std::map<std::string, long> counts_{};
  std::vector<Sample> samples_{};
  long begun_{0};
  long asked_{0};
  bool wide_{true};
  std::set<std::size_t> busy_{};  ///< The guests that are being resized.
  const Scenario scenario_{description};
  const memctl::CallbackQueue queue_{memctl::CallbackQueue::open().value()};
  const Host host_{Host::open(scenario_.uri(), options_of_host()).value()};
  std::optional<memctl::DomainWatch> watch_{};

  [[nodiscard]] memctl::HostOptions options_of_host() {
    memctl::HostOptions options;
    options.on_log = queue_.bind(
        memctl::LogCallback{[this](const memctl::LogLine&) { ++counts_["log lines"]; }});
    return options;
  }
};

}  // namespace

int main(int count, char** arguments) {
#ifndef MEMCTL_NO_WORK_AFTER_FORK
  ::mallopt(M_ARENA_MAX, 1);  // so that mallinfo2 counts the memory of every thread
#endif
  Daemon{options_of(count, arguments)}.run();
  return 0;
}
