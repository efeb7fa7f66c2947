// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/xen/file.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace memctl::host::xen {

File::File(const std::filesystem::path& path, int flags, mode_t mode)
    : fd_{::open(path.c_str(), flags | O_CLOEXEC, mode)} {}

File::~File() {
  if (fd_ >= 0) ::close(fd_);
}

int File::release() { return std::exchange(fd_, -1); }

std::optional<std::string> read_rest(const File& file, std::size_t most) {
  std::string text;
  std::array<char, 16384> part{};
  while (text.size() <= most) {
    // One byte more than `most` tells that the file is longer.
    const std::size_t wanted = std::min(part.size() - 1, most - text.size()) + 1;
    const ssize_t count = ::read(file.fd(), part.data(), wanted);
    if (count == 0) return text;
    if (count < 0 && errno != EINTR) return std::nullopt;
    if (count > 0) text.append(part.data(), static_cast<std::size_t>(count));
  }
  return std::nullopt;
}

std::string text_of(const std::filesystem::path& file, std::size_t most) {
  return read_rest(File{file}, most).value_or(std::string{});
}

std::string beginning_of(const std::filesystem::path& file, std::size_t size) {
  const File opened{file};
  std::string text(size, '\0');
  ssize_t count = 0;
  do {
    count = ::read(opened.fd(), text.data(), text.size());
  } while (count < 0 && errno == EINTR);
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(0, count)));
  return text;
}

}  // namespace memctl::host::xen
