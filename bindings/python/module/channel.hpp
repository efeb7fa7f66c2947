// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <variant>
#include <vector>

#include "memctl/doctor.hpp"
#include "memctl/domain_info.hpp"
#include "memctl/error.hpp"
#include "memctl/log.hpp"
#include "memctl/plan.hpp"
#include "memctl/recovery.hpp"
#include "memctl/report.hpp"
#include "memctl/resize.hpp"
#include "memctl/watch.hpp"

namespace memctl::python {

/// How a resize ended, or the answer to a question.
using End = std::variant<Result<Report>, Result<DomainStatus>, Result<Plan>,
                         Result<std::vector<Finding>>, Result<Recovery>>;

/// The watch or the host has ended, and nothing comes after it.
struct Closed {};

/// News of a resize or a question, which is a step forward or its end; of a watch; or for a log.
struct Note {
  std::uint64_t number{};  ///< Of the resize, the question or the watch.
  std::variant<Event, End, DomainChange, LogLine, Closed> what;
  std::optional<DomainIdentity> domain{};  ///< Nothing: it is about the host.
};

/// Resizes, questions, watches and logs leave their notes here on any thread, and a file descriptor
/// becomes readable. The interpreter waits for the file descriptor, and reads the notes on one of
/// its own threads. So no thread of the library ever runs Python or waits for the interpreter.
/// Thread-safe.
///
/// A note stays until it is removed. So no note is lost if a signal's handler raises an exception,
/// which may happen after any call.
///
/// A guest can cause many events, and a program may read them late. If events of one phase and
/// stage of a resize come faster than they are read, only the newest of them waits, as in a
/// `CallbackQueue`.
class Channel {
 public:
  /// Throws `std::system_error` if the process has no file descriptor left.
  Channel();
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  [[nodiscard]] int fileno() const { return fd_; }
  void post(Note note);
  /// The first note. It does not change until it is removed.
  [[nodiscard]] std::optional<Note> first() const;
  /// After the last note the descriptor is no longer readable. Does nothing if there is no note.
  void remove_first();

 private:
  /// Whether the event takes the place of one that waits, and was put there.
  [[nodiscard]] bool merged(const Note& note);

  int fd_;
  mutable std::mutex mutex_;
  std::list<Note> notes_;
  /// The last event of each resize that waits.
  std::map<std::uint64_t, std::list<Note>::iterator> newest_;
  mutable bool first_is_read_{false};
};

}  // namespace memctl::python
