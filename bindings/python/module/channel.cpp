// SPDX-License-Identifier: LGPL-2.1-or-later
#include "channel.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <iterator>
#include <system_error>
#include <utility>

namespace memctl::python {

Channel::Channel() : fd_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {
  if (fd_ < 0) throw std::system_error{errno, std::system_category(), "eventfd"};
}

Channel::~Channel() { close(fd_); }

void Channel::post(Note note) {
  const std::lock_guard lock{mutex_};
  if (merged(note)) return;
  const std::uint64_t number = note.number;
  const bool is_event = std::holds_alternative<Event>(note.what);
  notes_.push_back(std::move(note));
  if (is_event) newest_.insert_or_assign(number, std::prev(notes_.end()));
  static_cast<void>(eventfd_write(fd_, 1));  // if it is readable already, it stays readable
}

bool Channel::merged(const Note& note) {
  const auto* event = std::get_if<Event>(&note.what);
  const auto waiting = newest_.find(note.number);
  if (event == nullptr || waiting == newest_.end()) return false;
  if (first_is_read_ && waiting->second == notes_.begin()) return false;
  auto& earlier = std::get<Event>(waiting->second->what);
  if (earlier.phase != event->phase || earlier.stage != event->stage) return false;
  earlier = *event;
  return true;
}

std::optional<Note> Channel::first() const {
  const std::lock_guard lock{mutex_};
  if (notes_.empty()) return std::nullopt;
  first_is_read_ = true;
  return notes_.front();
}

void Channel::remove_first() {
  const std::lock_guard lock{mutex_};
  first_is_read_ = false;
  if (!notes_.empty()) {
    const auto newest = newest_.find(notes_.front().number);
    if (newest != newest_.end() && newest->second == notes_.begin()) newest_.erase(newest);
    notes_.pop_front();
  }
  if (!notes_.empty()) return;
  eventfd_t count = 0;
  static_cast<void>(eventfd_read(fd_, &count));
}

}  // namespace memctl::python
