// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/file.hpp"

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace memctl::agent {
namespace {

Fd open_file(const char* path, int flags) {
  int fd{};
  do {
    fd = ::open(path, flags | O_CLOEXEC);
  } while (fd < 0 && errno == EINTR);
  return Fd{fd};
}

ssize_t read_some(int fd, std::span<char> buffer) {
  ssize_t count{};
  do {
    count = ::read(fd, buffer.data(), buffer.size());
  } while (count < 0 && errno == EINTR);
  return count;
}

}  // namespace

std::optional<std::string_view> read_file(const char* path, std::span<char> buffer) {
  const Fd file = open_file(path, O_RDONLY | O_NONBLOCK);
  if (!file.is_open()) return std::nullopt;
  std::size_t used = 0;
  while (used < buffer.size()) {
    const ssize_t count = read_some(file.get(), buffer.subspan(used));
    if (count < 0) return std::nullopt;
    if (count == 0) break;
    used += static_cast<std::size_t>(count);
  }
  return std::string_view{buffer.data(), used};
}

bool read_lines(const char* path, const std::function<void(std::string_view)>& line) {
  const Fd file = open_file(path, O_RDONLY);
  if (!file.is_open()) return false;
  std::array<char, 4096> buffer;
  std::size_t used = 0;
  for (;;) {
    const ssize_t count = read_some(file.get(), std::span{buffer}.subspan(used));
    if (count <= 0) break;
    used += static_cast<std::size_t>(count);
    std::string_view text{buffer.data(), used};
    for (auto end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
      line(text.substr(0, end));
      text.remove_prefix(end + 1);
    }
    if (text.size() > 1024) {
      line(text);
      text = {};
    }
    used = text.size();
    std::memmove(buffer.data(), text.data(), used);
  }
  if (used > 0) line({buffer.data(), used});
  return true;
}

int write_file(const char* path, std::string_view value) {
  const Fd file = open_file(path, O_WRONLY | O_TRUNC);
  if (!file.is_open()) return errno;
  ssize_t count{};
  do {
    count = ::write(file.get(), value.data(), value.size());
  } while (count < 0 && errno == EINTR);
  if (count < 0) return errno;
  return static_cast<std::size_t>(count) == value.size() ? 0 : EIO;
}

}  // namespace memctl::agent
