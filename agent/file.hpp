// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Small files of the kernel's, read and written without allocation.
#pragma once

#include <unistd.h>

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace memctl::agent {

/// A file descriptor and its end.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_{fd} {}
  Fd(Fd&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }

 private:
  int fd_{-1};
};

/// What `path` holds, as far as it fits into `buffer`; nothing where it cannot be read.
[[nodiscard]] std::optional<std::string_view> read_file(const char* path, std::span<char> buffer);
/// Calls `line` for each line of `path`; one longer than 1 KiB comes in pieces. False: it cannot be
/// opened.
bool read_lines(const char* path, const std::function<void(std::string_view)>& line);
/// Writes `value` in one call to a file that exists. 0, or the error number.
[[nodiscard]] int write_file(const char* path, std::string_view value);

}  // namespace memctl::agent
