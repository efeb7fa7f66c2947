// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <variant>

#include "memctl/error.hpp"
#include "memctl/report.hpp"
#include "memctl/resize.hpp"

namespace memctl::python {

/// Something that happened to an operation: it went on, or it has ended.
struct Note {
  std::uint64_t operation{};
  std::variant<Event, Result<Report>> what;
};

/// Where operations leave their notes, on whatever thread, and a file descriptor becomes readable.
/// The interpreter waits for that as for any other file, and reads the notes on a thread of its
/// own: no thread of the library's ever runs Python or waits for the interpreter. Thread-safe.
///
/// A note stays until it is removed: an exception out of a signal's handler, which may come after
/// any call, loses none.
class Channel {
 public:
  /// Throws `std::system_error` where the process has no file descriptor left.
  Channel();
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  [[nodiscard]] int fileno() const { return fd_; }
  void post(Note note);
  [[nodiscard]] std::optional<Note> first() const;
  /// The descriptor is no longer readable after the last one. Where there is none: nothing.
  void remove_first();

 private:
  int fd_;
  mutable std::mutex mutex_;
  std::deque<Note> notes_;
};

}  // namespace memctl::python
