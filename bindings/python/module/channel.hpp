// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <mutex>
#include <variant>
#include <vector>

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
/// The interpreter waits for that as for any other file, and takes the notes on a thread of its
/// own: no thread of the library's ever runs Python or waits for the interpreter. Thread-safe.
class Channel {
 public:
  /// Throws `std::system_error` where the process has no file descriptor left.
  Channel();
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  [[nodiscard]] int fileno() const { return fd_; }
  void post(Note note);
  /// Every note since the last call, in order; the descriptor is no longer readable.
  [[nodiscard]] std::vector<Note> take();

 private:
  int fd_;
  std::mutex mutex_;
  std::vector<Note> notes_;
};

}  // namespace memctl::python
