// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <fcntl.h>

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>

namespace memctl::host::xen {

/// An open file, closed at the end. The embedding program's children do not inherit it; a file that
/// a standard stream has opened, they would.
class File {
 public:
  explicit File(const std::filesystem::path& path, int flags = O_RDONLY, mode_t mode = 0);
  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  int release();

 private:
  int fd_;
};

/// What is left to read. Nothing: it cannot be read, which errno tells, or it is longer than `most`
/// bytes.
[[nodiscard]] std::optional<std::string> read_rest(const File& file,
                                                   std::size_t most = std::string::npos);

/// The file's text. Empty: it cannot be read, or is longer than `most` bytes.
[[nodiscard]] std::string text_of(const std::filesystem::path& file, std::size_t most);
/// What one read of at most `size` bytes gives; empty if the file cannot be read.
[[nodiscard]] std::string beginning_of(const std::filesystem::path& file, std::size_t size);

}  // namespace memctl::host::xen
