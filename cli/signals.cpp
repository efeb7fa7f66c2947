// SPDX-License-Identifier: LGPL-2.1-or-later
#include "signals.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <system_error>
#include <utility>

#include "exit_code.hpp"

namespace memctl::cli {
namespace {

using std::chrono::steady_clock;

/// If the same signal comes twice within this time, it counts once. timeout(1) sends its signal to
/// its child and then to the process group, which includes the child.
constexpr std::chrono::milliseconds repeat_time{500};

sigset_t watched_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGWINCH);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action {};
    sigaction(number, nullptr, &action);
    if (action.sa_handler != SIG_IGN) sigaddset(&set, number);
  }
  return set;
}

int checked(int descriptor, const char* what) {
  if (descriptor < 0) throw std::system_error{errno, std::generic_category(), what};
  return descriptor;
}

}  // namespace

SignalWatch::SignalWatch() {
  const sigset_t set = watched_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signals_ = checked(::signalfd(-1, &set, SFD_CLOEXEC), "signalfd");
  stop_ = checked(::eventfd(0, EFD_CLOEXEC), "eventfd");
  thread_ = std::thread{[this] { watch(); }};
}

SignalWatch::~SignalWatch() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(stop_, &one, sizeof one);
  thread_.join();
  ::close(stop_);
  ::close(signals_);
}

void SignalWatch::on_signal(std::function<void(Wish)> handler) {
  const std::lock_guard lock{mutex_};
  handler_ = std::move(handler);
  if (wish_ && handler_) handler_(*wish_);
}

void SignalWatch::on_resized(std::function<void()> handler) {
  const std::lock_guard lock{mutex_};
  on_resized_ = std::move(handler);
}

void SignalWatch::watch() {
  for (;;) {
    std::array<pollfd, 2> ready{pollfd{signals_, POLLIN, 0}, pollfd{stop_, POLLIN, 0}};
    if (::poll(ready.data(), ready.size(), -1) < 0) continue;  // only EINTR is possible here
    if (ready[1].revents != 0) return;
    signalfd_siginfo info{};
    if (::read(signals_, &info, sizeof info) == sizeof info) received(info.ssi_signo);
  }
}

void SignalWatch::received(std::uint32_t number) {
  const std::lock_guard lock{mutex_};
  if (number == SIGWINCH) {
    if (on_resized_) on_resized_();
    return;
  }
  const auto now = steady_clock::now();
  if (number == last_ && now - last_at_ < repeat_time) return;
  last_ = number;
  last_at_ = now;
  if (number != SIGHUP) ++count_;
  const Wish wish = count_ <= 1 ? Wish::cancel : count_ == 2 ? Wish::leave : Wish::exit;
  if (wish == wish_) return;
  wish_ = wish;
  if (handler_) {
    handler_(wish);
  } else if (wish != Wish::cancel) {
    ::_exit(static_cast<int>(ExitCode::interrupted));
  }
}

void block_stops() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTSTP);
  sigaddset(&set, SIGTTOU);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

void ignore_broken_pipes() { std::signal(SIGPIPE, SIG_IGN); }

}  // namespace memctl::cli
