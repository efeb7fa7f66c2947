// SPDX-License-Identifier: LGPL-2.1-or-later
#include "channel.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace memctl::python {

Channel::Channel() : fd_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {
  if (fd_ < 0) throw std::system_error{errno, std::system_category(), "eventfd"};
}

Channel::~Channel() { close(fd_); }

void Channel::post(Note note) {
  const std::lock_guard lock{mutex_};
  notes_.push_back(std::move(note));
  static_cast<void>(eventfd_write(fd_, 1));  // if it is readable already, it stays readable
}

std::optional<Note> Channel::first() const {
  const std::lock_guard lock{mutex_};
  if (notes_.empty()) return std::nullopt;
  return notes_.front();
}

void Channel::remove_first() {
  const std::lock_guard lock{mutex_};
  if (!notes_.empty()) notes_.pop_front();
  if (!notes_.empty()) return;
  eventfd_t count = 0;
  static_cast<void>(eventfd_read(fd_, &count));
}

}  // namespace memctl::python
