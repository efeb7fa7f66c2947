// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "memctl/error.hpp"
#include "memctl/export.hpp"
#include "memctl/log.hpp"
#include "memctl/resize.hpp"
#include "memctl/watch.hpp"

namespace memctl {

/// Brings callbacks to a thread of the program, in any event loop. The loop waits until `fd` is
/// readable, and then calls `dispatch`, in which the callbacks run: they may block, and may call
/// the host. One queue serves any number of hosts and operations:
///
///     operation.on_end(queue.bind([] { ... }));
///     domain.resize(4_GiB, {.on_event = queue.bind([](const Event& event) { ... })});
///
/// A cheap handle: copies share the queue. Thread-safe. Once the last handle is dropped, the file
/// descriptor is closed and no bound callback is called any more, except that a `dispatch` that is
/// under way finishes. In a forked child no callback is called, and none wakes the parent.
class MEMCTL_EXPORT CallbackQueue {
 public:
  /// Errors: `not_permitted` if the process may have no more file descriptors, with the errno.
  [[nodiscard]] static Result<CallbackQueue> open();

  /// Readable, in the sense of poll(), while a callback waits. Valid until the last handle is
  /// dropped: take it out of the loop first. The program only polls it.
  [[nodiscard]] int fd() const;
  /// Runs the callbacks that wait, in their order, on this thread. Returns how many. Callbacks that
  /// arrive meanwhile wait for the next call. Does not wait for any.
  ///
  /// If a callback throws, the exception leaves `dispatch`, and the callbacks behind it wait for
  /// the next call. An on_event that throws also ends its resize, as on the host's thread.
  std::size_t dispatch() const;

  /// A function for any thread, after which `callback` runs in `dispatch`. It does not block.
  /// `callback` is destroyed with the function, on whichever thread that is.
  [[nodiscard]] std::function<void()> bind(std::function<void()> callback) const;
  /// The same for `ResizeOptions::on_event`. If events of one phase and stage come faster than they
  /// are dispatched, only the newest of them waits.
  [[nodiscard]] std::function<void(const Event&)> bind(
      std::function<void(const Event&)> callback) const;
  /// The same for `HostOptions::on_log`. Every line waits: a program that does not dispatch for
  /// long needs memory for them.
  [[nodiscard]] LogCallback bind(LogCallback callback) const;
  /// The same for `Host::watch`. Every change waits.
  [[nodiscard]] std::function<void(const DomainChange&)> bind(
      std::function<void(const DomainChange&)> callback) const;

 private:
  struct State;
  explicit CallbackQueue(std::shared_ptr<State> state);

  std::shared_ptr<State> state_;
};

}  // namespace memctl
