// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Reads and writes small files of the kernel without allocating memory.
#pragma once

#include <unistd.h>

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace memctl::agent {

/// Owns a file descriptor and closes it.
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

/// Reads `path` into `buffer`, and stops when the buffer is full. Does not wait for anybody to
/// write to it. Nothing: it cannot be read.
[[nodiscard]] std::optional<std::string_view> read_file(const char* path, std::span<char> buffer);
/// Calls `line` for each line of `path`. A line longer than 1 KiB comes in pieces. False: `path`
/// cannot be opened.
bool read_lines(const char* path, const std::function<void(std::string_view)>& line);
/// Writes `value` in one call to an existing file. Returns 0 or the error number.
[[nodiscard]] int write_file(const char* path, std::string_view value);

}  // namespace memctl::agent
