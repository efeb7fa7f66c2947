// SPDX-License-Identifier: LGPL-2.1-or-later
#include "memctl/callback_queue.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "base/event_caller.hpp"
#include "base/process_number.hpp"

namespace memctl {

struct __attribute__((visibility("hidden"))) CallbackQueue::State {
  using Call = std::function<void()>;

  explicit State(int descriptor) : fd{descriptor} {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { ::close(fd); }

  /// In a forked child nothing may wait: the mutex may be locked there for ever, and the descriptor
  /// wakes the parent.
  [[nodiscard]] bool is_forked() const { return process_number() != process; }
  void push(Call call) {
    if (is_forked()) return;
    const std::lock_guard lock{mutex};
    push_locked(std::move(call));
  }
  void push_locked(Call call) {
    waiting.push_back(std::move(call));
    static_cast<void>(::eventfd_write(fd, 1));  // if it is readable already, it stays readable
  }
  /// The first call. Empty: there is none.
  Call pop() {
    const std::lock_guard lock{mutex};
    if (waiting.empty()) return {};
    Call first = std::move(waiting.front());
    waiting.pop_front();
    if (waiting.empty()) {
      eventfd_t count = 0;
      static_cast<void>(::eventfd_read(fd, &count));
    }
    return first;
  }

  const int fd;
  const int process{process_number()};
  std::mutex mutex{};
  std::deque<Call> waiting{};
};

namespace {

/// An event that waits. The queue's mutex guards it.
struct WaitingEvent {
  Event event;
  bool fetched{false};

  /// Whether a newer event takes its place.
  [[nodiscard]] bool stands_for(const Event& newer) const {
    return !fetched && event.phase == newer.phase && event.stage == newer.stage;
  }
};

/// The newest event of each operation that calls one bound function. The queue's mutex guards it.
using NewestEvents = std::map<const EventCaller*, std::weak_ptr<WaitingEvent>>;

}  // namespace

CallbackQueue::CallbackQueue(std::shared_ptr<State> state) : state_{std::move(state)} {}

Result<CallbackQueue> CallbackQueue::open() {
  const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd >= 0) return CallbackQueue{std::make_shared<State>(fd)};
  const int error = errno;
  return Error{.cause = Cause::not_permitted,
               .message = std::string{"no file descriptor for callbacks: "} + std::strerror(error),
               .hint = "raise the limit of open files of this process",
               .raw = error};
}

int CallbackQueue::fd() const { return state_->fd; }

std::size_t CallbackQueue::dispatch() const {
  if (state_->is_forked()) return 0;
  const auto state = state_;  // a callback may drop this handle
  std::size_t most = 0;
  {
    const std::lock_guard lock{state->mutex};
    most = state->waiting.size();
  }
  std::size_t called = 0;
  for (; called < most; ++called) {
    const State::Call call = state->pop();
    if (!call) break;  // another thread dispatches too
    call();
  }
  return called;
}

std::function<void()> CallbackQueue::bind(std::function<void()> callback) const {
  return [weak = std::weak_ptr{state_}, callback = std::move(callback)] {
    if (const auto state = weak.lock()) state->push(callback);
  };
}

std::function<void(const Event&)> CallbackQueue::bind(
    std::function<void(const Event&)> callback) const {
  return [weak = std::weak_ptr{state_}, callback = std::move(callback),
          newest = std::make_shared<NewestEvents>()](const Event& event) {
    const auto state = weak.lock();
    if (!state || state->is_forked()) return;
    const auto caller = EventCaller::current();
    const std::lock_guard lock{state->mutex};
    std::erase_if(*newest, [](const auto& each) { return each.second.expired(); });
    auto& last = (*newest)[caller.get()];
    if (const auto waiting = last.lock(); waiting && waiting->stands_for(event)) {
      waiting->event = event;
      return;
    }
    const auto waiting = std::make_shared<WaitingEvent>(WaitingEvent{.event = event});
    last = waiting;
    state->push_locked([weak, callback, caller, waiting] {
      Event fetched;
      if (const auto alive = weak.lock()) {
        const std::lock_guard guard{alive->mutex};
        fetched = waiting->event;
        waiting->fetched = true;
      }
      if (caller) {
        caller->run(callback, fetched);
      } else {
        callback(fetched);
      }
    });
  };
}

LogCallback CallbackQueue::bind(LogCallback callback) const {
  return [weak = std::weak_ptr{state_}, callback = std::move(callback)](const LogLine& line) {
    if (const auto state = weak.lock()) state->push([callback, line] { callback(line); });
  };
}

std::function<void(const DomainChange&)> CallbackQueue::bind(
    std::function<void(const DomainChange&)> callback) const {
  return
      [weak = std::weak_ptr{state_}, callback = std::move(callback)](const DomainChange& change) {
        if (const auto state = weak.lock()) state->push([callback, change] { callback(change); });
      };
}

}  // namespace memctl
